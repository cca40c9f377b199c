import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_near_duplicates import resolved

from stackspark.duplicates.near.kernels.edges import ORDER, merge_edges
from stackspark.duplicates.near.kernels.resolution import Resolution

Edge = tuple[int, int]
RANKS = st.integers(0, 40)
GRADES = st.integers(0, 2)
EDGES = st.lists(st.tuples(RANKS, RANKS).filter(lambda edge: edge[1] < edge[0]), max_size=60)


def edge_table(edges: list[Edge], similarity: float = 1.0, *, is_exact: bool = True) -> pa.Table:
    return pa.table(
        {
            "member": pa.array([member for member, _ in edges], pa.int64()),
            "head": pa.array([head for _, head in edges], pa.int64()),
            "similarity": pa.array([similarity] * len(edges), pa.float64()),
            "is_exact": pa.array([is_exact] * len(edges), pa.bool_()),
            "round": pa.array([1] * len(edges), pa.int32()),
        }
    )


def batches(edges: list[Edge], size: int) -> list[pa.RecordBatch]:
    """A sorted run of edges, cut into batches of `size` rows, an empty one among them."""
    table = edge_table(edges)
    cut = table.to_batches(max_chunksize=size)
    return [*cut[:1], pa.RecordBatch.from_pylist([], table.schema), *cut[1:]]


def pairs(table: pa.Table) -> list[Edge]:
    return list(zip(table["member"].to_pylist(), table["head"].to_pylist(), strict=True))


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
