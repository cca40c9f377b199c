import pytest
from edge_tables import EDGES, Edge, batches, pairs
from hypothesis import given, settings
from hypothesis import strategies as st

from stackspark.duplicates.near.kernels.edges import merge_edges


@settings(deadline=None)
@given(st.lists(EDGES, max_size=4), st.integers(1, 7))
def test_merge_edges_sorts_and_cuts_between_members(runs: list[list[Edge]], size: int) -> None:
    tables = [pairs(table) for table in merge_edges([batches(sorted(run), size) for run in runs])]
    assert [edge for table in tables for edge in table] == sorted(edge for r in runs for edge in r)
    members = [{member for member, _ in table} for table in tables]
    assert sum(map(len, members)) == len(set().union(*members))


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
