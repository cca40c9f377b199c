"""Resolve verified edges in rank order: which blobs go, and which blob that stays is their twin.

A blob goes if one of its better neighbours stays; the best of these is its twin. Ranks run from the
best copy on, so one pass over the edges in order of (member, head), with `head < member`, decides
every blob when its better neighbours are decided already. State: one bit per blob.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stackspark.kernels.buffers import Bytes, Flags, Longs
from stackspark.kernels.compiled import compiled, inlined

ORDER = [("member", "ascending"), ("head", "ascending")]


class Resolution:
    """The blobs decided so far; edges are handed over in order, all of one member together."""

    def __init__(self, num_candidates: int) -> None:
        self._removed = np.zeros(num_candidates // 8 + 1, np.uint8)

    def settle(self, edges: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Decide the members of the next edges.

        Args:
            edges: `member` and `head` (int64 ranks, head < member), sorted by both, and any other
                columns; members lie above those of all calls before.

        Returns:
            The edge of each removed member to its kept twin, and the open edges: those from a
            member that stays to a head that does not.
        """
        members, heads = _longs(edges, "member"), _longs(edges, "head")
        is_twin, is_open = np.zeros((2, len(members)), np.bool_)
        _settle(members, heads, self._removed, is_twin, is_open)
        return edges.filter(pa.array(is_twin)), edges.filter(pa.array(is_open))

    def removed(self, ranks: Longs) -> Flags:
        """Whether each blob was removed, by rank."""
        bits = self._removed[ranks >> 3] >> (ranks & 7).astype(np.uint8)
        return np.asarray(bits & 1, np.bool_)


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
        _check_sorted(_longs(self._rows, "member"), _longs(self._rows, "head"))

    def _has_two_members(self) -> bool:
        members = self._members() if self._rows is not None else np.zeros(0, np.int64)
        return len(members) > 0 and members[0] != members[-1]

    def _members(self) -> Longs:
        assert self._rows is not None
        return _longs(self._rows, "member")


def _check_sorted(members: Longs, heads: Longs) -> None:
    step = np.diff(members)
    if (step < 0).any() or (np.diff(heads)[step == 0] < 0).any() or (heads >= members).any():
        raise ValueError("edges must be sorted by (member, head), with head < member")


def _longs(table: pa.Table, name: str) -> Longs:
    values: npt.NDArray[np.int64] = pc.cast(table[name], pa.int64()).to_numpy()
    return values


@inlined
def _is_set(bits: Bytes, rank: int) -> bool:
    return bool((bits[rank >> 3] >> (rank & 7)) & 1)


@compiled
def _settle(members: Longs, heads: Longs, removed: Bytes, is_twin: Flags, is_open: Flags) -> None:
    for i in range(len(members)):
        if not _is_set(removed, members[i]) and not _is_set(removed, heads[i]):
            removed[members[i] >> 3] |= np.uint8(1 << (members[i] & 7))
            is_twin[i] = True
    for i in range(len(members)):
        is_open[i] = not _is_set(removed, members[i]) and _is_set(removed, heads[i])
