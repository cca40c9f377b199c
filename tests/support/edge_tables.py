"""Runs of edges as the kernels of the near-duplicate search take them."""

import pyarrow as pa
from hypothesis import strategies as st

Edge = tuple[int, int]
RANKS = st.integers(0, 40)
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
