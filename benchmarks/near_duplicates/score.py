"""What a search did to a corpus, by the exact truth."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from near_duplicates.corpora import Corpus
from near_duplicates.truth import Truth

THRESHOLD, LOWER_THRESHOLD = 0.7, 0.65
SHORT_TOKENS = 10
"""Files with fewer tokens are no near-duplicates of anything: five words say nothing."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Score:
    """Counts of files; short ones are in `kept`, `removed` and `short_lost` only.

    Attributes:
        kept: files that stay.
        removed: files that go.
        without_twin: removed though no file that stays is similar to them at 0.7, or has the same
            normalised text.
        without_twin_065: the same at 0.65.
        left: files that stay though a better one that stays is similar to them.
        in_pair: files that are similar to another file at all; `left` is a share of them.
        short_lost: short files removed though no file that stays has the same normalised text.
        unknown: ids in the answer that the corpus does not have.
    """

    kept: int
    removed: int
    without_twin: int
    without_twin_065: int
    left: int
    in_pair: int
    short_lost: int
    unknown: int

    @property
    def left_share(self) -> float:
        """Duplicates left, as a share of the files that are in a pair."""
        return self.left / self.in_pair if self.in_pair else 0.0


def score(truth: Truth, ids: list[str], removed: set[str], order: npt.NDArray[np.int64]) -> Score:
    """Judge an answer.

    Args:
        truth: of the corpus.
        ids: of the corpus, in its order.
        removed: ids that the search removed.
        order: of two similar rows the one with the lower number is the better one.
    """
    gone = np.array([each in removed for each in ids], np.bool_)
    long = truth.num_tokens >= SHORT_TOKENS
    same_text = np.isin(truth.normalized, truth.normalized[~gone])
    similar = truth.similarity >= THRESHOLD
    left, right = truth.left[similar], truth.right[similar]
    both_long = long[left] & long[right]
    return Score(
        kept=int((~gone).sum()),
        removed=int(gone.sum()),
        without_twin=int((gone & long & ~same_text & ~near_kept(truth, gone, THRESHOLD)).sum()),
        without_twin_065=int(
            (gone & long & ~same_text & ~near_kept(truth, gone, LOWER_THRESHOLD)).sum()
        ),
        left=num_left(left[both_long], right[both_long], gone, order),
        in_pair=len(np.unique(np.concatenate([left[both_long], right[both_long]]))),
        short_lost=int((gone & ~long & ~same_text).sum()),
        unknown=len(removed - set(ids)),
    )


def order_of(corpus: Corpus, name: str) -> npt.NDArray[np.int64]:
    """What makes a row the better one: `rank`, or its place in the file where a tool knows none."""
    if name == "rank":
        return np.asarray(corpus.read("rank")["rank"].to_numpy())
    return np.arange(corpus.num_rows)


def near_kept(truth: Truth, gone: Flags, least: float) -> Flags:
    """Which rows are similar to one that stays."""
    similar = truth.similarity >= least
    left, right = truth.left[similar], truth.right[similar]
    near = np.zeros(len(gone), np.bool_)
    near[left[~gone[right]]] = True
    near[right[~gone[left]]] = True
    return near


def num_left(
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
    gone: Flags,
    order: npt.NDArray[np.int64],
) -> int:
    """Rows that stay beside a better one."""
    both = ~gone[left] & ~gone[right]
    left, right = left[both], right[both]
    return len(np.unique(np.where(order[left] > order[right], left, right)))
