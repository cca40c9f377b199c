"""Edges between blobs: their table, and the merge of sorted runs of them."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stackspark.duplicates.near.kernels.pairs import Pairs
from stackspark.runtime.buffers import Longs

EDGE_SCHEMA = pa.schema(
    {
        "member": pa.int64(),
        "head": pa.int64(),
        "similarity": pa.float64(),
        "is_exact": pa.bool_(),
        "round": pa.int32(),
    }
)
"""Ranks, a Jaccard similarity, whether it is exact (else estimated), and the round of the edge."""

ORDER = [
    ("member", "ascending"),
    ("head", "ascending"),
    ("is_exact", "descending"),
    ("round", "ascending"),
]
"""Order in which edges are resolved."""


def edge_table(
    pairs: Pairs, similarity: npt.NDArray[np.float64], number: int, is_exact: bool = False
) -> pa.Table:
    """Edges of a round as a table of `EDGE_SCHEMA`."""
    members, heads = pairs
    columns = {
        "member": members,
        "head": heads,
        "similarity": similarity,
        "is_exact": np.full(len(members), is_exact),
        "round": np.full(len(members), number, np.int32),
    }
    return pa.table(columns, schema=EDGE_SCHEMA)


def rank_column(edges: pa.Table, name: str) -> Longs:
    """A column of ranks as an array."""
    values: Longs = pc.cast(edges[name], pa.int64()).to_numpy()
    return values


def merge_edges(runs: Sequence[Iterable[pa.RecordBatch]]) -> Iterator[pa.Table]:
    """Merge runs of edges, each sorted by (member, head), into one sorted stream.

    Args:
        runs: batches with `member` and `head` (int64); all of one schema.

    Yields:
        Tables in order; no member is in two of them. Memory: about two batches per run.

    Raises:
        ValueError: if a run is not sorted.
    """
    pending = [_Run(run) for run in runs]
    while pending := [run for run in pending if run.fill()]:
        limit = min((run.last for run in pending if not run.is_exhausted), default=None)
        merged = pa.concat_tables([run.take_below(limit) for run in pending])
        yield merged.sort_by(ORDER) if len(pending) > 1 else merged


class _Run:
    """One sorted run; holds at least two different members until the run is exhausted."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = iter(batches)
        self._rows: pa.Table | None = None
        self.is_exhausted = False

    @property
    def last(self) -> int:
        return int(self._members()[-1])

    def fill(self) -> bool:
        """Read on until two members are there; false when nothing is left."""
        while not self.is_exhausted and not self._has_two_members():
            batch = next(self._batches, None)
            if batch is None:
                self.is_exhausted = True
            elif batch.num_rows:
                self._append(batch)
        return self._rows is not None and self._rows.num_rows > 0

    def take_below(self, limit: int | None) -> pa.Table:
        """Take the rows of the members below a limit, or all rows."""
        assert self._rows is not None
        members = self._members()
        count = len(members) if limit is None else int(np.searchsorted(members, limit))
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken

    def _append(self, batch: pa.RecordBatch) -> None:
        new = pa.table(batch)
        self._rows = pa.concat_tables([self._rows, new]) if self._rows is not None else new
        _check_sorted(rank_column(self._rows, "member"), rank_column(self._rows, "head"))

    def _has_two_members(self) -> bool:
        members = self._members() if self._rows is not None else np.zeros(0, np.int64)
        return len(members) > 0 and members[0] != members[-1]

    def _members(self) -> Longs:
        assert self._rows is not None
        return rank_column(self._rows, "member")


def _check_sorted(members: Longs, heads: Longs) -> None:
    step = np.diff(members)
    if (step < 0).any() or (np.diff(heads)[step == 0] < 0).any() or (heads >= members).any():
        raise ValueError("edges must be sorted by (member, head), with head < member")
