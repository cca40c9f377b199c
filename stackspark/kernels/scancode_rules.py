"""Rules of ScanCode's index that a text can be like at all, found by one pass over postings.

The full matcher compares the words of a text, and of each part of it, with those of 30,000 rules,
one after the other, and drops a rule that shares too few with it. How many words each rule shares
is here counted for all of them at once, by the same limits, so that ScanCode is left with the rules
that it would not drop: its answers stay what they are.

Source: `compute_candidates` and `compare_token_sets` of ScanCode's `match_set`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]

HIGH_RESEMBLANCE = 0.8
"""Share of words in common from which ScanCode takes a text for a copy of the rule."""


class RuleFilter:
    """Words of all rules that may be matched approximately: which rules have a word."""

    def __init__(self, index: Any) -> None:
        self._num_legalese = int(index.len_legalese)
        self._rids = sorted(index.approx_matchable_rids)
        rules = [index.rules_by_rid[rid] for rid in self._rids]
        words = [list(index.sets_by_rid[rid]) for rid in self._rids]
        self._rows, self._starts = _postings(words, len(index.dictionary))
        self._min_high = np.array([rule.get_min_high_matched_length(True) for rule in rules])
        self._min_matched = np.array([rule.get_min_matched_length(True) for rule in rules])
        self._lengths = np.array([rule.get_length(True) for rule in rules])
        self._min_containment = np.array([rule._minimum_containment or 0.0 for rule in rules])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the context ScanCode compares a text with plausible rules only."""
        from licensedcode import match_set  # noqa: PLC0415 - takes seconds

        stock = match_set.compute_candidates

        def compute(query_run: Any, idx: Any, *, matchable_rids: Any, **options: Any) -> Any:
            del matchable_rids  # what they all are taken from
            is_near = options.get("high_resemblance", False)
            rids = self.plausible(query_run.matchable_tokens(), is_near=is_near)
            ranked = stock(query_run, _Part(idx, rids), range(len(rids)), **options)
            return [(scores, rule.rid, rule, shared) for scores, _, rule, shared in ranked]

        match_set.compute_candidates = compute
        try:
            yield
        finally:
            match_set.compute_candidates = stock

    def plausible(self, words: Iterable[int], *, is_near: bool) -> list[int]:
        """Ids of the rules that share enough words with a text to be compared with it, sorted.

        Args:
            words: ids of the text's words, those of legalese the lower ones; -1 is no word.
            is_near: leave it at rules that the text may be a copy of.
        """
        distinct = sorted(set(words) - {-1})
        num_high = int(np.searchsorted(distinct, self._num_legalese))
        high = self._num_shared(distinct[:num_high])
        matched = high + self._num_shared(distinct[num_high:])
        stays = (high > 0) & (high >= self._min_high) & (matched >= self._min_matched)
        stays &= matched / self._lengths >= self._min_containment
        if is_near:
            together = len(distinct) + self._lengths - matched
            stays &= matched / together >= HIGH_RESEMBLANCE
        return [self._rids[row] for row in np.flatnonzero(stays)]

    def _num_shared(self, words: list[int]) -> Int64s:
        """How many of the words each rule has."""
        slices = [self._rows[self._starts[word] : self._starts[word + 1]] for word in words]
        rows = np.concatenate([np.empty(0, np.int32), *slices])
        return np.bincount(rows, minlength=len(self._rids))


class _Part:
    """Some rules of an index, as `compute_candidates` reads it."""

    def __init__(self, index: Any, rids: list[int]) -> None:
        self.len_legalese = index.len_legalese
        self.rules_by_rid = [index.rules_by_rid[rid] for rid in rids]
        self.sets_by_rid = [index.sets_by_rid[rid] for rid in rids]
        self.msets_by_rid = [index.msets_by_rid[rid] for rid in rids]


def _postings(words: list[list[int]], num_words: int) -> tuple[Int32s, Int64s]:
    """Rows that have each word, one word after the other, and where each word begins."""
    lengths = [len(row) for row in words]
    flat = np.fromiter(chain.from_iterable(words), np.int32, sum(lengths))
    rows = np.repeat(np.arange(len(words), dtype=np.int32), lengths)
    order = np.argsort(flat, kind="stable")
    return rows[order], np.searchsorted(flat[order], np.arange(num_words + 1))
