"""The rules of ScanCode's index that a text is most like, counted for all rules at once.

The full matcher compares the words of a text, and of each part of it, with those of 30,000 rules,
one after the other, before it aligns the text with the best ones; that is four fifths of its time.
Here postings count the shared words of all rules at once, and ScanCode's own limits, scores and
order choose from that: its answers stay what they are. `RuleRanking.applied` monkeypatches the one
function, because ScanCode offers no other way.

Source: `compute_candidates` and `compare_token_sets` of ScanCode's `match_set`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

HIGH_RESEMBLANCE = 0.8
"""Share of words in common from which ScanCode takes a text for a copy of the rule."""

RANKED_FACTOR = 10
"""It counts repeated words of ten times as many rules as it aligns, the best ones by words."""

ROUNDING = 0.11
"""It ranks by shares that are rounded to a tenth: what is worse by more is ranked lower."""

TIE = 1e-6
"""So near the middle of two tenths, a product with ten may be rounded to the other one."""


@dataclass(frozen=True)
class _Limits:
    """What a rule asks of a text: words in common, of legalese and in all; and its own words."""

    min_high: Int64s
    min_matched: Int64s
    lengths: Int64s


@dataclass(frozen=True)
class _Shared:
    """How many words each rule has in common with a text of `length` words."""

    high: Int64s
    matched: Int64s
    length: int


class RuleRanking:
    """Words of all rules that may be matched approximately: which rules have a word, how often."""

    def __init__(self, index: Any) -> None:
        from licensedcode import match_set  # noqa: PLC0415 - takes seconds

        self._match_set, self._index = match_set, index
        self._rids = sorted(index.approx_matchable_rids)
        self._rules = [index.rules_by_rid[rid] for rid in self._rids]
        counts = [index.msets_by_rid[rid] for rid in self._rids]
        self._rows, self._counts, self._starts = _postings(counts, len(index.dictionary))
        self._by_set, self._by_count = (_limits(self._rules, unique) for unique in (True, False))
        self._min_containment = np.array([rule._minimum_containment or 0 for rule in self._rules])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Monkeypatch `match_set.compute_candidates` within the context."""
        stock = self._match_set.compute_candidates
        self._match_set.compute_candidates = self.candidates
        try:
            yield
        finally:
            self._match_set.compute_candidates = stock

    def candidates(
        self, query_run: Any, *, top: int, high_resemblance: bool, **_: Any
    ) -> list[tuple[Any, int, Any, set[int]]]:
        """The best rules for a text, as `compute_candidates` has them.

        Args:
            query_run: a text or a part of it.
            top: so many rules.
            high_resemblance: only rules that the text may be a copy of.
        Returns:
            Of each rule its scores, its id, the rule, and its words of legalese that the text has.
        """
        words = Counter(query_run.matchable_tokens())
        del words[-1]
        by_set, by_count = self._shared(words)
        rows = self._likely(by_set, self._by_set, high_resemblance)
        rows = _ranked(rows, by_set, self._by_set.lengths, RANKED_FACTOR * top)
        likely = set(self._likely(by_count, self._by_count, high_resemblance).tolist())
        found = [
            (self._scores(row, by_count, self._by_count), self._rids[row], self._rules[row], row)
            for row in rows.tolist()
            if row in likely
        ]
        best = sorted(self._match_set.filter_dupes(found), reverse=True)[:top]
        from intbitset import intbitset  # noqa: PLC0415 - comes with the extra

        legalese = intbitset([word for word in words if word < self._index.len_legalese])
        return [(scores, rid, rule, self._in_rule(legalese, rid)) for scores, rid, rule, _ in best]

    def _shared(self, words: Counter[int]) -> tuple[_Shared, _Shared]:
        """Words in common: distinct ones, and with their repetitions."""
        ordered = sorted(words)
        slices = [slice(self._starts[word], self._starts[word + 1]) for word in ordered]
        lengths = [part.stop - part.start for part in slices]
        rows = _joined([self._rows[part] for part in slices])
        counts = np.repeat([words[word] for word in ordered], lengths)
        counts = np.minimum(counts, _joined([self._counts[part] for part in slices]))
        num_high = sum(lengths[: int(np.searchsorted(ordered, self._index.len_legalese))])

        def summed(end: int, weights: Any) -> Int64s:
            size = len(self._rids)
            return np.bincount(rows[:end], weights, minlength=size).astype(np.int64)

        return (
            _Shared(summed(num_high, None), summed(len(rows), None), len(words)),
            _Shared(summed(num_high, counts[:num_high]), summed(len(rows), counts), words.total()),
        )

    def _likely(self, shared: _Shared, limits: _Limits, is_near: bool) -> Int64s:
        """Rows of the rules that ScanCode does not drop."""
        stays = (shared.high > 0) & (shared.high >= limits.min_high)
        stays &= shared.matched >= limits.min_matched
        stays &= shared.matched / limits.lengths >= self._min_containment
        if is_near:
            stays &= _resemblance(shared, limits.lengths) >= HIGH_RESEMBLANCE
        return np.flatnonzero(stays)

    def _scores(self, row: int, shared: _Shared, limits: _Limits) -> tuple[Any, Any]:
        """Rounded and exact scores, which are compared in that order."""
        matched, length = int(shared.matched[row]), int(limits.lengths[row])
        resemblance, containment = matched / (shared.length + length - matched), matched / length
        amplified, vector = resemblance**2, self._match_set.ScoresVector
        is_high = round(resemblance, 1) >= HIGH_RESEMBLANCE
        rounded = (round(containment, 1), round(amplified, 1), round(matched / 20, 1))
        exact = (resemblance >= HIGH_RESEMBLANCE, containment, amplified, matched)
        return vector(is_high, *rounded), vector(*exact)

    def _in_rule(self, words: Any, rid: int) -> set[int]:
        return set(words & self._index.sets_by_rid[rid])


def _resemblance(shared: _Shared, lengths: Int64s) -> Float64s:
    resemblance: Float64s = shared.matched / (shared.length + lengths - shared.matched)
    return resemblance


def _ranked(rows: Int64s, shared: _Shared, lengths: Int64s, number: int) -> Int64s:
    """The first rows in the order of their scores, which `RuleRanking._scores` has, best one first.

    Scores that are rounded go before those that are not; of equal rules the last one is better.
    """
    rows = _likely_first(rows, shared, lengths, number)
    matched, resemblance = shared.matched[rows], _resemblance(shared, lengths)[rows]
    containment = matched / lengths[rows]
    amplified = np.array([share**2 for share in resemblance.tolist()], np.float64)
    keys = (
        *(rows, matched, amplified, containment, resemblance >= HIGH_RESEMBLANCE),
        *map(_tenths, (matched / 20, amplified, containment)),
        _tenths(resemblance) >= HIGH_RESEMBLANCE * 10,
    )
    ranked: Int64s = rows[np.lexsort(keys)[::-1][:number]]
    return ranked


def _likely_first(rows: Int64s, shared: _Shared, lengths: Int64s, number: int) -> Int64s:
    """Rows that may be among the first ones: likely copies go first, then what is contained."""
    if len(rows) <= number:
        return rows
    containment = (shared.matched / lengths)[rows]
    least = np.partition(containment, -number)[-number]
    near = _resemblance(shared, lengths)[rows] >= HIGH_RESEMBLANCE - ROUNDING
    kept: Int64s = rows[(containment >= least - ROUNDING) | near]
    return kept


def _tenths(values: Float64s) -> Float64s:
    """Values in tenths, rounded as by Python's `round`, which is asked near the middle."""
    tenths = np.rint(values * 10)
    (middle,) = np.nonzero(np.abs(np.abs(values * 10 - tenths) - 0.5) < TIE)
    for place in middle.tolist():
        tenths[place] = np.rint(round(float(values[place]), 1) * 10)
    return tenths


def _limits(rules: Iterable[Any], unique: bool) -> _Limits:
    asked = [
        (
            rule.get_min_high_matched_length(unique),
            rule.get_min_matched_length(unique),
            rule.get_length(unique),
        )
        for rule in rules
    ]
    return _Limits(*np.array(asked, np.int64).reshape(-1, 3).T.copy())


def _postings(counts: list[dict[int, int]], num_words: int) -> tuple[Int32s, Int32s, Int64s]:
    """Rows that have each word and how often, word after word, and where each word begins."""
    lengths = [len(row) for row in counts]
    words = np.fromiter(chain.from_iterable(counts), np.int32, sum(lengths))
    times = np.fromiter(chain.from_iterable(map(dict.values, counts)), np.int32, sum(lengths))
    rows = np.repeat(np.arange(len(counts), dtype=np.int32), lengths)
    # ScanCode's own comparison leaves words behind that a rule has no times.
    (order,) = np.nonzero(times)
    order = order[np.argsort(words[order], kind="stable")]
    return rows[order], times[order], np.searchsorted(words[order], np.arange(num_words + 1))


def _joined(parts: list[Int32s]) -> Int32s:
    return np.concatenate([np.empty(0, np.int32), *parts])
