import pyarrow as pa
from edge_tables import EDGES, RANKS, Edge, batches, edge_table, pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_near_duplicates import resolved

from stackspark.duplicates.near.kernels.edges import ORDER, merge_edges
from stackspark.duplicates.near.kernels.resolution import Resolution

GRADES = st.integers(0, 2)


@settings(deadline=None)
@given(st.lists(EDGES, min_size=1, max_size=3), st.integers(1, 7))
def test_resolution_equals_oracle(runs: list[list[Edge]], size: int) -> None:
    resolution, twins, open_edges, merged, similar = Resolution(41, 0.7), {}, [], [], []
    for edges in merge_edges([batches(sorted(run), size) for run in runs]):
        settled = resolution.settle(edges)
        merged += pairs(edges)
        twins |= dict(pairs(settled.twins))
        open_edges += pairs(settled.still_open)
        similar += pairs(settled.similar)
        assert not settled.asked
    everything = sorted(edge for run in runs for edge in run)
    expected = resolved(everything)
    assert merged == everything
    assert twins == expected
    assert similar == sorted(set(everything))
    assert open_edges == [(m, h) for m, h in similar if m not in expected and h in expected]


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.tuples(RANKS, RANKS).filter(lambda e: e[1] < e[0]), GRADES, max_size=60))
def test_resolution_asks_only_for_what_decides(grades: dict[Edge, int]) -> None:
    """Estimates 0.5, 0.7, 0.9 with a margin of 0.1; those of 0.7 are similar if their sum is even.

    What is asked for is enough: with the answers, all is decided, and as if all were known.
    """
    estimates = [
        edge_table([edge], 0.5 + grade / 5, is_exact=False) for edge, grade in grades.items()
    ]
    runs = [pa.concat_tables([edge_table([]), *estimates]).sort_by(ORDER)]
    first = Resolution(41, 0.7, 0.1).settle(runs[0])
    asked = pairs(first.asked)
    assert all(grades[edge] == 1 for edge in asked)
    assert len(set(asked)) == len(asked)
    exact = {edge: 0.75 if sum(edge) % 2 == 0 else 0.65 for edge in asked}
    answers = [edge_table([edge], value) for edge, value in exact.items()]
    last = Resolution(41, 0.7, 0.1).settle(pa.concat_tables([*runs, *answers]).sort_by(ORDER))
    truth = [e for e, grade in grades.items() if grade == 2 or (grade == 1 and sum(e) % 2 == 0)]
    assert not last.asked
    removed = resolved(truth)
    assert dict(pairs(last.twins)).keys() == removed.keys()
    assert set(dict(pairs(last.twins)).items()) <= set(truth)
    assert not set(dict(pairs(last.twins)).values()) & removed.keys()


def test_resolution_asks_nothing_about_blobs_that_are_decided() -> None:
    """1 goes by 0 for sure, so neither (1, 0)'s neighbour (2, 1) nor (1, 0) again is asked for."""
    sure, unsure = (
        edge_table([(1, 0)], 0.9, is_exact=False),
        edge_table([(2, 1)], 0.7, is_exact=False),
    )
    settled = Resolution(3, 0.7, 0.1).settle(pa.concat_tables([sure, unsure]))
    assert pairs(settled.twins) == [(1, 0)]
    assert pairs(settled.asked) == []
    assert pairs(settled.still_open) == [(2, 1)]
