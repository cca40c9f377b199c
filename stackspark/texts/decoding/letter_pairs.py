"""Cost of bytes as text of every single-byte character set in every language that it is used for.

Counted are pairs of neighbouring bytes of which one is not ASCII: the second behind the first, by
the kinds of letters that they stand for and by their case. All sums are of whole numbers.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stackspark.texts.decoding.charsets import COSTS_PER_NAT, SINGLE_BYTE, Charset
from stackspark.texts.decoding.language_costs import (
    LATIN,
    LETTER,
    SIGN,
    SYMBOL,
    Alphabet,
    alphabets,
    sign_costs,
)

Ints = npt.NDArray[np.int64]

LATIN_COST = 3 * COSTS_PER_NAT
"""Of one ASCII letter among all, in alphabets that do not tell them apart."""

KIND_COST = {LETTER: 85, SYMBOL: 91}
"""Of one among 200 letters and of one among 300 symbols."""

CONTROL_COST = 8 * COSTS_PER_NAT
UNDEFINED = "\ufffd"

_PROBABILITIES = (
    (1.0, 0.8, 0.2),  # behind what has no case
    (1.0, 0.997, 0.003),  # behind a small letter
    (1.0, 0.5, 0.5),  # behind a capital
)
CASE_COST = np.rint(-COSTS_PER_NAT * np.log(_PROBABILITIES)).astype(np.int64)
"""Of what has no case, a small letter and a capital, behind each of them."""


class BytePairs(NamedTuple):
    """Pairs of neighbouring bytes that are not both ASCII, and how often they come."""

    first: Ints
    second: Ints
    counts: Ints
    used: frozenset[int]


class _Tables(NamedTuple):
    """All hypotheses side by side, h pairs of a character set and a language.

    Attributes:
        charsets: of each hypothesis.
        undefined: bytes that the character set of each does not define.
        kinds: kind of each byte, shape (h, 256).
        own: cost of each byte within its kind, shape (h, 256).
        cases: 0 without case, 1 small, 2 capital, shape (h, 256).
        sizes: kinds of each alphabet, shape (h, 1).
        offsets: where its pairs begin in `pairs`, shape (h, 1).
        pairs: cost of a kind behind another, of all alphabets.
    """

    charsets: tuple[Charset, ...]
    undefined: tuple[frozenset[int], ...]
    kinds: Ints
    own: Ints
    cases: Ints
    sizes: Ints
    offsets: Ints
    pairs: Ints


def byte_pairs(raw: bytes) -> BytePairs:
    """Count the pairs of a text as it stands between two lines."""
    line = np.frombuffer(b"\n" + raw + b"\n", np.uint8).astype(np.int64)
    first, second = line[:-1], line[1:]
    is_counted = (first | second) >= 0x80
    pairs, counts = np.unique(first[is_counted] << 8 | second[is_counted], return_counts=True)
    return BytePairs(pairs >> 8, pairs & 0xFF, counts.astype(np.int64), frozenset(raw))


def charset_costs(pairs: BytePairs) -> Iterator[tuple[int, str]]:
    """The least cost over its languages of each character set that defines all bytes."""
    tables = _tables()
    rows = [i for i, undefined in enumerate(tables.undefined) if not undefined & pairs.used]
    place = np.array(rows)[:, None]
    first, second = pairs.first[None], pairs.second[None]
    at = tables.offsets[rows] + tables.kinds[place, first] * tables.sizes[rows]
    each = tables.pairs[at + tables.kinds[place, second]] + tables.own[place, second]
    each += CASE_COST[tables.cases[place, first], tables.cases[place, second]]
    best: dict[str, int] = {}
    for row, cost in zip(rows, (each @ pairs.counts).tolist(), strict=True):
        charset = tables.charsets[row]
        best[charset.name] = min(best.get(charset.name, 1 << 62), cost + charset.rarity)
    for name, cost in best.items():
        yield cost, name


@cache
def _tables() -> _Tables:
    found = alphabets()
    names = sorted({language for charset in SINGLE_BYTE for language in charset.languages})
    pairs = [found[name].pairs.ravel() for name in names]
    offsets = dict(zip(names, np.cumsum([0, *map(len, pairs)]).tolist(), strict=False))
    both = [(charset, language) for charset in SINGLE_BYTE for language in charset.languages]
    chars = {charset.name: _chars(charset.name) for charset in SINGLE_BYTE}
    undefined = {
        name: frozenset(byte for byte, char in enumerate(each) if char == UNDEFINED)
        for name, each in chars.items()
    }
    kinds = [[found[lang].kind(char) for char in chars[charset.name]] for charset, lang in both]
    return _Tables(
        charsets=tuple(charset for charset, _ in both),
        undefined=tuple(undefined[charset.name] for charset, _ in both),
        kinds=np.array(kinds),
        own=np.array([_own(chars[charset.name], found[lang]) for charset, lang in both]),
        cases=np.array([[*map(_case, chars[charset.name])] for charset, _ in both]),
        sizes=np.array([[len(found[lang].pairs)] for _, lang in both]),
        offsets=np.array([[offsets[lang]] for _, lang in both]),
        pairs=np.concatenate(pairs),
    )


def _chars(charset: str) -> list[str]:
    return [bytes([byte]).decode(charset, "replace") for byte in range(256)]


def _own(chars: list[str], alphabet: Alphabet) -> list[int]:
    return [_own_cost(char, alphabet.kind(char)) for char in chars]


def _own_cost(char: str, kind: int) -> int:
    if kind == LATIN:
        return LATIN_COST
    if char.isascii():
        return 0
    if unicodedata.category(char) in {"Cc", "Co"}:
        return CONTROL_COST
    return sign_costs()[char] if kind == SIGN else KIND_COST.get(kind, 0)


def _case(char: str) -> int:
    return 2 if char.isupper() else int(char.islower())
