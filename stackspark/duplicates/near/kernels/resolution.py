"""Resolve edges in rank order: which blobs go, and which blob that stays is their twin.

A blob goes if one of its better neighbours stays and is similar; the best of these is its twin.
Ranks run from the best copy on, so one pass over the edges in order of (member, head), with
`head < member`, decides every blob when its better neighbours are decided already. State: one bit
per blob, and a second one for blobs that hang on a similarity that is not known well enough.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stackspark.runtime.buffers import Bytes, Flags, Longs
from stackspark.runtime.compiled import compiled, inlined

ORDER = [
    ("member", "ascending"),
    ("head", "ascending"),
    ("is_exact", "descending"),
    ("round", "ascending"),
]
NO, MAYBE, YES = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What became of some members.

    `twins` has the edge of each removed member to its kept twin; `still_open` the edges from a
    member that stays to a head that does not; `asked` those whose exact similarity decides;
    `similar` all that are known to be similar, a pair once.
    """

    twins: pa.Table
    still_open: pa.Table
    asked: pa.Table
    similar: pa.Table


class Resolution:
    """The blobs decided so far; edges are handed over in order, all of one member together.

    An edge is similar if its similarity is `threshold` or more. An estimate that is less than
    `margin` away from the threshold does not tell: where such an edge would decide, it is asked
    for, and nothing that hangs on it is decided in this pass. An exact similarity, of which
    `is_exact` is true, goes before the estimate of the same pair.
    """

    def __init__(self, num_candidates: int, threshold: float, margin: float = 0.0) -> None:
        self._states = np.zeros((2, num_candidates // 8 + 1), np.uint8)
        self._limits = (threshold - margin, threshold, threshold + margin)

    def settle(self, edges: pa.Table) -> Settled:
        """Decide the members of the next edges.

        Args:
            edges: `member` and `head` (int64 ranks, head < member), `similarity` (0..1),
                `is_exact` and `round`, sorted by `ORDER`; members lie above those of all calls
                before. Of several edges of one pair the first counts.
        """
        members, heads = _longs(edges, "member"), _longs(edges, "head")
        answers = self._answers(edges, members, heads)
        marks = np.zeros((3, len(members)), np.bool_)
        _settle(members, heads, answers, self._states, marks)
        twins, still_open, asked = (edges.filter(pa.array(mark)) for mark in marks)
        similar = edges.filter(pa.array(answers == YES))
        return Settled(twins=twins, still_open=still_open, asked=asked, similar=similar)

    def removed(self, ranks: Longs) -> Flags:
        """Whether each blob was removed, by rank."""
        bits = self._states[0, ranks >> 3] >> (ranks & 7).astype(np.uint8)
        return np.asarray(bits & 1, np.bool_)

    def _answers(self, edges: pa.Table, members: Longs, heads: Longs) -> Bytes:
        """Whether each edge is similar; one that repeats the pair before it does not count."""
        low, limit, high = self._limits
        similarity = edges["similarity"].to_numpy()
        is_exact = edges["is_exact"].to_numpy()
        lowest, highest = np.where(is_exact, limit, low), np.where(is_exact, limit, high)
        answers = (similarity >= lowest).astype(np.uint8) + (similarity >= highest)
        answers[1:][(np.diff(members) == 0) & (np.diff(heads) == 0)] = NO
        return np.asarray(answers, np.uint8)


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


@inlined
def _set(bits: Bytes, rank: int) -> None:
    bits[rank >> 3] |= np.uint8(1 << (rank & 7))


@compiled
def _settle(members: Longs, heads: Longs, answers: Bytes, states: Bytes, marks: Flags) -> None:
    removed, undecided = states
    is_twin, is_open, is_asked = marks
    start = 0
    while start < len(members):
        member, stop = members[start], start
        while stop < len(members) and members[stop] == member:
            head = heads[stop]
            if answers[stop] == YES and not _is_set(removed, head) and not _is_set(undecided, head):
                is_twin[stop] = True
                _set(removed, member)
                break
            stop += 1
        while stop < len(members) and members[stop] == member:
            stop += 1
        if not _is_set(removed, member):
            for i in range(start, stop):
                if answers[i] == NO:
                    continue
                is_open[i] = _is_set(removed, heads[i])
                if not is_open[i] and (answers[i] == MAYBE or _is_set(undecided, heads[i])):
                    is_asked[i] = answers[i] == MAYBE
                    _set(undecided, member)
        start = stop
