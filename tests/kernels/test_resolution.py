import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_near_duplicates import resolved

from stackspark.kernels.resolution import Resolution, merge_edges

Edge = tuple[int, int]
RANKS = st.integers(0, 40)
EDGES = st.lists(st.tuples(RANKS, RANKS).filter(lambda edge: edge[1] < edge[0]), max_size=60)


def batches(edges: list[Edge], size: int) -> list[pa.RecordBatch]:
    """A sorted run of edges, cut into batches of `size` rows, an empty one among them."""
    table = pa.table(
        {
            "member": pa.array([member for member, _ in edges], pa.int64()),
            "head": pa.array([head for _, head in edges], pa.int64()),
        }
    )
    cut = table.to_batches(max_chunksize=size)
    return [*cut[:1], pa.RecordBatch.from_pylist([], table.schema), *cut[1:]]


def pairs(table: pa.Table) -> list[Edge]:
    return list(zip(table["member"].to_pylist(), table["head"].to_pylist(), strict=True))


@settings(deadline=None)
@given(st.lists(EDGES, min_size=1, max_size=3), st.integers(1, 7))
def test_resolution_equals_oracle(runs: list[list[Edge]], size: int) -> None:
    resolution, twins, open_edges, merged = Resolution(41), {}, [], []
    for edges in merge_edges([batches(sorted(run), size) for run in runs]):
        removed, still_open = resolution.settle(edges)
        merged += pairs(edges)
        twins |= dict(pairs(removed))
        open_edges += pairs(still_open)
    everything = sorted(edge for run in runs for edge in run)
    expected = resolved(everything)
    assert merged == everything
    assert twins == expected
    assert open_edges == [(m, h) for m, h in everything if m not in expected and h in expected]
    flags = resolution.removed(np.arange(41))
    assert np.flatnonzero(flags).tolist() == sorted(expected)


def test_merge_edges_keeps_a_member_together() -> None:
    run = [(1, 0), (5, 0), (5, 1), (5, 2), (5, 3), (6, 5)]
    tables = list(merge_edges([batches(run, 2), batches([(5, 4), (9, 5)], 1)]))
    members = [set(table["member"].to_pylist()) for table in tables]
    assert sum(5 in some for some in members) == 1
    assert [edge for table in tables for edge in pairs(table)] == sorted([*run, (5, 4), (9, 5)])


@pytest.mark.parametrize(
    "unsorted",
    [
        [(5, 1), (4, 1)],  # members fall
        [(5, 2), (5, 1)],  # heads of one member fall
        [(3, 3)],  # a pair of one blob
        [(3, 4)],  # a head of a higher rank
    ],
)
@pytest.mark.parametrize("size", [1, 9])
def test_merge_edges_rejects_what_is_not_sorted(unsorted: list[Edge], size: int) -> None:
    with pytest.raises(ValueError, match="must be sorted"):
        list(merge_edges([batches(unsorted, size)]))
