"""The sums over all hypotheses at once equal those of plain loops."""

import math
import unicodedata
from itertools import pairwise

import pytest

from stackspark.texts.decoding.charsets import COSTS_PER_NAT, SINGLE_BYTE
from stackspark.texts.decoding.language_costs import (
    LATIN,
    LETTER,
    SIGN,
    SYMBOL,
    alphabets,
    sign_costs,
)
from stackspark.texts.decoding.letter_pairs import byte_pairs, charset_costs

CASES = {(0, 1): 0.8, (0, 2): 0.2, (1, 1): 0.997, (1, 2): 0.003, (2, 1): 0.5, (2, 2): 0.5}


def slow_cost(raw: bytes, charset: str, language: str) -> int:
    """The cost of a text, character by character."""
    alphabet = alphabets()[language]
    text = f"\n{raw.decode(charset)}\n"
    total = 0
    for first, second in pairwise(text):
        if first.isascii() and second.isascii():
            continue
        kind = alphabet.kind(second)
        total += int(alphabet.pairs[alphabet.kind(first), kind])
        if kind == LATIN:
            total += 3 * COSTS_PER_NAT
        elif unicodedata.category(second) in {"Cc", "Co"} and not second.isascii():
            total += 8 * COSTS_PER_NAT
        elif not second.isascii():
            total += {SIGN: sign_costs().get(second, 0), LETTER: 85, SYMBOL: 91}.get(kind, 0)
        case = [2 if char.isupper() else int(char.islower()) for char in (first, second)]
        total += round(-COSTS_PER_NAT * math.log(CASES.get((case[0], case[1]), 1.0)))
    return total


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("// Привет, МИР!\nx = 1 # да\n", "WINDOWS-1251"),
        ("// größer © Öl\n", "WINDOWS-1252"),
        ("# żółw ÓW\n", "ISO-8859-2"),
        ("# ─ box é\n", "IBM850"),
    ],
)
def test_costs_equal_those_of_plain_loops(text: str, charset: str) -> None:
    raw = text.encode(charset)
    found = {name: cost for cost, name in charset_costs(byte_pairs(raw))}
    assert charset in found
    for each in SINGLE_BYTE:
        if each.name in found:
            expected = min(slow_cost(raw, each.name, language) for language in each.languages)
            assert found[each.name] == expected + each.rarity


def test_a_charset_that_lacks_a_byte_is_no_candidate() -> None:
    names = {name for _, name in charset_costs(byte_pairs(b"x \x81 \x90"))}
    assert "WINDOWS-1252" not in names
    assert "IBM437" in names
