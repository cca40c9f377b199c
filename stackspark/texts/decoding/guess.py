"""The character set of a text that does not say which: the likeliest of those that it is valid in.

Every character set gives a text, and every text has a cost in the languages that the set is used
for: the likeliest text wins if all other texts are clearly less likely, and if it is likely enough
at all. The same text from another character set is no other text.
"""

import math
import re
from typing import NamedTuple

from stackspark.texts.decoding.charsets import COSTS_PER_NAT, EAST_ASIAN, SINGLE_BYTE
from stackspark.texts.decoding.east_asian import text_cost
from stackspark.texts.decoding.language_costs import sign_costs
from stackspark.texts.decoding.letter_pairs import BytePairs, byte_pairs, charset_costs

SAMPLE_BYTES = 8192
"""Bytes that are looked at: the first lines that are not ASCII alone."""

MAX_LINE_BYTES = 2048
"""Bytes of one line of the sample."""

MIN_MARGIN = 3 * COSTS_PER_NAT
"""How much less likely the next other text must be: 20 times."""

SIGN_MARGIN = COSTS_PER_NAT // 2
LONE_COST = 5 * COSTS_PER_NAT
MAX_LONE = 3
"""Code in English has signs in it: where so few bytes are not ASCII, each between two that are, and
all are signs in `WINDOWS-1252`, this little is enough for it, and other single-byte character sets
cost so much more: who writes another language hardly writes so little of it."""

MAX_PAIR_COST = 5.75 * COSTS_PER_NAT
FREE_COST = 10 * COSTS_PER_NAT
"""A text may cost so much per pair, and so much besides: beyond it no language was met. Texts of
28 encodings cost 2.9 nats a pair, one in a thousand over 5.2."""

WESTERN = SINGLE_BYTE[0].name
_OTHERS = frozenset(charset.name for charset in SINGLE_BYTE[1:])

_NON_ASCII = re.compile(rb"[\x80-\xff]")
_SAFE = re.compile(rb".*[\x00-\x2f]", re.DOTALL)
"""Up to the last byte that is no part of a longer character in any character set."""


class Guess(NamedTuple):
    """A character set, the text, and the probability of it against the next other text."""

    charset: str
    text: str
    confidence: float


def guess_text(raw: bytes) -> Guess | None:
    """Guess the text of bytes that are not UTF-8 and hold no NUL; None where nothing is likely."""
    sample = sample_lines(raw)
    pairs = byte_pairs(sample)
    costs = [(cost, name, sample.decode(name)) for cost, name in charset_costs(pairs)]
    costs += _east_asian(sample)
    num_pairs = int(pairs.counts.sum())
    has_signs = _has_lone_signs(sample, pairs)
    if has_signs:
        costs = [(cost + LONE_COST * (name in _OTHERS), name, text) for cost, name, text in costs]
    costs.sort()
    for cost, name, shown in costs:
        try:
            text = raw.decode(name)
        except UnicodeDecodeError:
            continue
        others = (other for other, _, another in costs if another != shown and other >= cost)
        margin = min(others, default=cost + 2 * MIN_MARGIN) - cost
        least = SIGN_MARGIN if has_signs and name == WESTERN else MIN_MARGIN
        if margin < least or cost > FREE_COST + MAX_PAIR_COST * num_pairs:
            return None
        return Guess(name, text, 1 / (1 + math.exp(-margin / COSTS_PER_NAT)))
    return None


def _has_lone_signs(sample: bytes, pairs: BytePairs) -> bool:
    if len(_NON_ASCII.findall(sample)) > MAX_LONE or (pairs.first & pairs.second & 0x80).any():
        return False
    return all(char.isascii() or char in sign_costs() for char in sample.decode(WESTERN, "replace"))


def _east_asian(sample: bytes) -> list[tuple[int, str, str]]:
    """Cost, name and text of each character set that the sample is valid in."""
    found = []
    for charset in EAST_ASIAN:
        try:
            text = sample.decode(charset.name)
        except UnicodeDecodeError:
            continue
        cost = min(text_cost(f"\n{text}\n", language) for language in charset.languages)
        found.append((cost + charset.rarity, charset.name, text))
    return found


def sample_lines(raw: bytes) -> bytes:
    """The first lines that are not ASCII alone, or all of a short text; long lines in part."""
    if len(raw) <= SAMPLE_BYTES:
        return raw
    pieces, room, position = [], SAMPLE_BYTES, 0
    while room > 0 and (found := _NON_ASCII.search(raw, position)):
        at = found.start()
        start = max(raw.rfind(b"\n", position, at) + 1, position, at - MAX_LINE_BYTES // 4)
        piece = raw[start : at + MAX_LINE_BYTES]
        line_end = piece.find(b"\n", at - start) + 1
        safe = _SAFE.match(piece, at - start)
        piece = piece[: line_end or (safe.end() if safe else len(piece))]
        pieces.append(piece)
        room -= len(piece)
        position = start + len(piece)
    return b"\n".join(pieces)
