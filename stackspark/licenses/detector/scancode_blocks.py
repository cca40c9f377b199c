"""ScanCode's alignment of a text with a rule, compiled; its own is a loop in Python.

Source: `find_longest_match` and `match_blocks` of ScanCode's `seq`, after Python's difflib.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stackspark.runtime.compiled import compiled

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Places = tuple[Int64s, Int64s]
Area = tuple[int, int, int, int]


class Block(NamedTuple):
    """Words of a text that are those of a rule: where they begin in either, and how many."""

    a: int
    b: int
    size: int


class Aligner:
    """Aligns texts with rules; of the text that came last it keeps what takes time to convert."""

    def __init__(self) -> None:
        self._words: Sequence[int] = ()
        self._matchables: Any = None
        self._text, self._is_matchable = np.empty(0, np.int64), np.empty(0, np.bool_)
        # Compiled here, before a text has a limit of time.
        one = np.zeros(1, np.int64)
        _blocks(one, one, (0, 1), np.ones(1, np.bool_), np.ones(1, np.bool_))

    def match_blocks(
        self,
        *,
        a: Sequence[int],
        b: Sequence[int],
        a_start: int,
        a_end: int,
        b2j: Mapping[int, Sequence[int]],
        len_good: int,
        matchables: Any,
    ) -> list[Block]:
        """Blocks that a part of a text has in common with a rule, in their order.

        Args:
            a: words of the text.
            b: words of the rule.
            a_start: where the part begins.
            a_end: where it ends.
            b2j: the words of legalese that a block may grow from, with all their places in `b`.
            len_good: words of legalese are below.
            matchables: an intbitset of the places in `a` that may be matched.
        """
        self._convert(a, matchables)
        is_seed = np.zeros(len_good, np.bool_)
        is_seed[list(b2j)] = True
        rule = np.asarray(b, np.int64)
        found = _blocks(self._text, rule, (a_start, a_end), is_seed, self._is_matchable)
        return _joined(sorted(map(tuple, found.tolist())))

    def _convert(self, words: Sequence[int], matchables: Any) -> None:
        if words is not self._words:
            self._words, self._text = words, np.array(words, np.int64)
            self._matchables = None
        if self._matchables is None or matchables != self._matchables:
            self._matchables = matchables
            self._is_matchable = np.zeros(len(words), np.bool_)
            self._is_matchable[np.fromiter(matchables, np.int64, len(matchables))] = True


def _joined(blocks: Sequence[Sequence[int]]) -> list[Block]:
    """Blocks of which none begins in both where the one before it ends."""
    joined: list[Block] = []
    for a, b, size in blocks:
        last = joined[-1] if joined else Block(-1, -1, 0)
        if (last.a + last.size, last.b + last.size) == (a, b):
            joined[-1] = last._replace(size=last.size + size)
        else:
            joined.append(Block(a, b, size))
    return joined


@compiled
def _blocks(
    text: Int64s, rule: Int64s, part: tuple[int, int], is_seed: Bools, is_matchable: Bools
) -> Int64s:
    """Rows (place in text, place in rule, size): the longest block, then those on its sides."""
    places = _places(rule, is_seed)
    seeds = np.zeros(len(text), np.bool_)
    for place in range(part[0], part[1]):
        word = text[place]
        seeds[place] = word < len(is_seed) and is_seed[word] and is_matchable[place]
    runs, row = np.full((2, 2, len(rule)), -1), 0
    found, num_found = np.empty((len(rule) + 1, 3), np.int64), 0
    queue = [(part[0], part[1], 0, len(rule))]
    while queue:
        area = queue.pop()
        low, high, rule_low, rule_high = area
        block = _longest(text, seeds, places, area, (runs, row))
        row += high - low + 1
        if block[2] == 0:
            continue
        i, j, size = _grown(text, rule, is_matchable, area, block)
        found[num_found, 0], found[num_found, 1], found[num_found, 2] = i, j, size
        num_found += 1
        if low < i and rule_low < j:
            queue.append((low, i, rule_low, j))
        if i + size < high and j + size < rule_high:
            queue.append((i + size, high, j + size, rule_high))
    return found[:num_found]


@compiled
def _longest(
    text: Int64s, seeds: Bools, places: Places, area: Area, state: tuple[Int64s, int]
) -> tuple[int, int, int]:
    """The longest block of seeds, of several the first one; `state` has the run up to each place.

    A run is the number of the row that it was seen in, and its length. Rows have numbers of their
    own, so that nothing is cleared between them.
    """
    (first, following), (low, high, rule_low, rule_high), (runs, row) = places, area, state
    best = (low, rule_low, 0)
    for place in range(low, high):
        row += 1
        if not seeds[place]:
            continue
        this, before = runs[row % 2], runs[(row - 1) % 2]
        at = first[text[place]]
        while at >= 0 and at < rule_high:
            if at >= rule_low:
                goes_on = at > 0 and before[0, at - 1] == row - 1
                length = before[1, at - 1] + 1 if goes_on else 1
                this[0, at], this[1, at] = row, length
                if length > best[2]:
                    best = (place - length + 1, at - length + 1, length)
            at = following[at]
    return best


@compiled
def _grown(
    text: Int64s, rule: Int64s, is_matchable: Bools, area: Area, block: tuple[int, int, int]
) -> tuple[int, int, int]:
    """The block with all equal words on its sides."""
    (low, high, rule_low, rule_high), (i, j, size) = area, block
    while i > low and j > rule_low and text[i - 1] == rule[j - 1] and is_matchable[i - 1]:
        i, j, size = i - 1, j - 1, size + 1
    end, rule_end = i + size, j + size
    while end < high and rule_end < rule_high and text[end] == rule[rule_end] and is_matchable[end]:
        end, rule_end = end + 1, rule_end + 1
    return i, j, end - i


@compiled
def _places(rule: Int64s, is_seed: Bools) -> tuple[Int64s, Int64s]:
    """The first place of each word in the rule, and of each place the next one of its word."""
    first, following = np.full(len(is_seed), -1), np.full(len(rule), -1)
    for place in range(len(rule) - 1, -1, -1):
        word = rule[place]
        if word < len(is_seed) and is_seed[word]:
            following[place] = first[word]
            first[word] = place
    return first, following
