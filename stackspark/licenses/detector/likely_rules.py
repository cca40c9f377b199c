"""The rules that a text may be aligned with, chosen among those that share enough words with it.

ScanCode compares the words of a text, and of each part of it, with those of 36,000 rules, one after
the other; that is four fifths of its full matcher's time. Here an inverted index counts the words
that all rules share with a text at once, and ScanCode compares only the rules that its own limits
leave, up to `MAX_COMPARED`.
"""

from itertools import chain
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

HIGH_RESEMBLANCE = 0.8
"""Share of words in common from which ScanCode takes a text for a copy of the rule."""

MAX_COMPARED = 700
"""Of more rules those go on of which the text contains most; so many ScanCode ranks in full."""


class LikelyRules:
    """Inverted index of the rules that may be matched approximately: which ones have a word."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._rids = sorted(index.approx_matchable_rids)
        rules = [index.rules_by_rid[rid] for rid in self._rids]
        words = [list(index.sets_by_rid[rid]) for rid in self._rids]
        self._rows, self._starts = _postings(words, len(index.dictionary))
        self._min_legalese = np.array([rule.get_min_high_matched_length(True) for rule in rules])
        self._min_shared = np.array([rule.get_min_matched_length(True) for rule in rules])
        self._lengths = np.array([rule.get_length(True) for rule in rules])
        self._min_containment = np.array([rule._minimum_containment or 0 for rule in rules])

    def candidates(self, run: Any, *, top: int, high_resemblance: bool) -> list[tuple[Any, ...]]:
        """The best rules for a text, as ScanCode's `compute_candidates` ranks them.

        Args:
            run: query run of a text or of a part of it.
            top: so many rules.
            high_resemblance: only rules that the text may be a copy of.
        Returns:
            Of each rule its scores, its id, the rule, and its words of legalese that the text has.
        """
        from licensedcode.match_set import compute_candidates  # noqa: PLC0415 - takes seconds

        rids = self._likely(set(run.matchable_tokens()) - {-1}, high_resemblance)
        if not rids:
            return []
        found = compute_candidates(
            query_run=run,
            idx=self._index_of(rids),
            matchable_rids=range(len(rids)),
            top=top,
            high_resemblance=high_resemblance,
        )
        return [(scores, rids[place], rule, words) for scores, place, rule, words in found]

    def _index_of(self, rids: list[int]) -> SimpleNamespace:
        """All that `compute_candidates` reads of an index, with these rules only."""
        index = self._index
        return SimpleNamespace(
            len_legalese=index.len_legalese,
            rules_by_rid=[index.rules_by_rid[rid] for rid in rids],
            sets_by_rid=[index.sets_by_rid[rid] for rid in rids],
            msets_by_rid=[index.msets_by_rid[rid] for rid in rids],
        )

    def _likely(self, words: set[int], high_resemblance: bool) -> list[int]:
        """Ids, ascending, of the rules that ScanCode would not drop for their distinct words."""
        legalese = self._num_shared({word for word in words if word < self._index.len_legalese})
        shared = self._num_shared(words)
        containment = shared / self._lengths
        stays = (legalese > 0) & (legalese >= self._min_legalese) & (shared >= self._min_shared)
        stays &= containment >= self._min_containment
        if high_resemblance:
            stays &= shared / (len(words) + self._lengths - shared) >= HIGH_RESEMBLANCE
        (rows,) = np.nonzero(stays)
        best = np.argsort(-containment[rows], kind="stable")[:MAX_COMPARED]
        return [self._rids[row] for row in np.sort(rows[best]).tolist()]

    def _num_shared(self, words: set[int]) -> npt.NDArray[np.int64]:
        """How many of the words each rule has."""
        postings = [self._rows[self._starts[word] : self._starts[word + 1]] for word in words]
        rows = np.concatenate([np.empty(0, np.int32), *postings])
        return np.bincount(rows, minlength=len(self._rids))


def _postings(
    words: list[list[int]], num_words: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Rows that have each word, word after word, and where each word begins."""
    lengths = [len(row) for row in words]
    flat = np.fromiter(chain.from_iterable(words), np.int32, sum(lengths))
    rows = np.repeat(np.arange(len(words), dtype=np.int32), lengths)
    order = np.argsort(flat, kind="stable")
    return rows[order], np.searchsorted(flat[order], np.arange(num_words + 1))
