import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stackspark.duplicates.near.stack_v2.union_find import best_of_components

EDGES = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30)


@settings(deadline=None)
@given(EDGES)
def test_best_of_components(edges: list[tuple[int, int]]) -> None:
    """Against the join of one pair of sets after the other."""
    component = {node: {node} for node in range(20)}
    for left, right in edges:
        joined = component[left] | component[right]
        component.update(dict.fromkeys(joined, joined))
    expected = {node: min(of) for node, of in component.items() if min(of) != node}
    ends = np.array(edges, np.int64).reshape(-1, 2)
    nodes, best = best_of_components(20, ends[:, 0].copy(), ends[:, 1].copy())
    assert dict(zip(nodes.tolist(), best.tolist(), strict=True)) == expected
    assert (np.diff(nodes) > 0).all()
