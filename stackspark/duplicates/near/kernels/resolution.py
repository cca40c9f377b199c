"""Resolve edges in rank order: which blobs go, and which blob that stays is their twin.

A blob goes if one of its better neighbours stays and is similar; the best of these is its twin.
Ranks run from the best copy on, so one pass over the edges in order of (member, head), with
`head < member`, decides every blob when its better neighbours are decided already. State: one bit
per blob, and a second one for blobs that hang on a similarity that is not known well enough.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stackspark.duplicates.near.kernels.edges import rank_column
from stackspark.runtime.buffers import Bytes, Flags, Longs
from stackspark.runtime.compiled import compiled, inlined

NO, MAYBE, YES = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class Settled:
    """Decisions on some members.

    `twins` has the edge of each removed member to its kept twin; `still_open` the edges from a
    member that stays to a head that does not; `asked` those whose exact similarity decides;
    `similar` all that are known to be similar, a pair once.
    """

    twins: pa.Table
    still_open: pa.Table
    asked: pa.Table
    similar: pa.Table

    def num_verified(self, number: int) -> int:
        """Number of similar edges that a round found."""
        return int(pc.sum(pc.equal(self.similar["round"], number), min_count=0).as_py())


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
                `is_exact` and `round`, sorted by `edges.ORDER`; members lie above those of
                all calls before. Of several edges of one pair the first counts.
        """
        members, heads = rank_column(edges, "member"), rank_column(edges, "head")
        answers = self._answers(edges, members, heads)
        marks = np.zeros((3, len(members)), np.bool_)
        _settle(members, heads, answers, self._states, marks)
        twins, still_open, asked = (edges.filter(pa.array(mark)) for mark in marks)
        similar = edges.filter(pa.array(answers == YES))
        return Settled(twins=twins, still_open=still_open, asked=asked, similar=similar)

    def _answers(self, edges: pa.Table, members: Longs, heads: Longs) -> Bytes:
        """Whether each edge is similar; one that repeats the pair before it does not count."""
        low, limit, high = self._limits
        similarity = edges["similarity"].to_numpy()
        is_exact = edges["is_exact"].to_numpy()
        lowest, highest = np.where(is_exact, limit, low), np.where(is_exact, limit, high)
        answers = (similarity >= lowest).astype(np.uint8) + (similarity >= highest)
        answers[1:][(np.diff(members) == 0) & (np.diff(heads) == 0)] = NO
        return np.asarray(answers, np.uint8)


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
