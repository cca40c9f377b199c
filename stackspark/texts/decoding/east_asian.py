"""Cost of a text in Chinese, Japanese or Korean: classes of characters, then each in its class."""

from functools import cache

import numpy as np

from stackspark.texts.decoding.charsets import COSTS_PER_NAT
from stackspark.texts.decoding.language_costs import scripts, sign_costs

SPACE, LATIN, PUNCTUATION, HIRAGANA, KATAKANA, IDEOGRAPH, HANGUL, OTHER = range(8)
NUM_CLASSES = 8

LATIN_COST = 3 * COSTS_PER_NAT
"""Of one ASCII letter among all: the alphabets of other languages tell them apart."""

COMMON = {
    "ja": ("shift_jis", b"\x98"),
    "zh_Hans": ("gb2312", b"\xd8"),
    "zh_Hant": ("big5", b"\xc7"),
    "ko": ("euc_kr", b"\xff"),
}
"""Character set of a language, and where the characters end that its standard calls common."""

UNSEEN_COST = {
    PUNCTUATION: 6.0,
    HIRAGANA: 7.0,
    KATAKANA: 7.0,
    IDEOGRAPH: 10.6,
    HANGUL: 10.2,
    OTHER: 10.2,
}
"""Nats of a common character of which no translation had one."""

RARE_COST = 4.0
"""Nats more where the standard does not call it common either."""


def text_cost(text: str, language: str) -> int:
    """Cost of all that is not ASCII in a text, and of the first ASCII character behind it."""
    script = scripts()[language]
    points = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    chars, places, counts = np.unique(points, return_inverse=True, return_counts=True)
    found = [chr(point) for point in chars.tolist()]
    classes = np.fromiter(map(char_class, found), np.int64, len(found))
    costs = np.fromiter((_char_cost(char, language) for char in found), np.int64, len(found))
    total = int((costs * counts).sum())
    first, second = classes[places[:-1]], classes[places[1:]]
    is_counted = (first > LATIN) | (second > LATIN)
    first, second = first[is_counted], second[is_counted]
    total += int(script.pairs[first, second].sum())
    return total + LATIN_COST * int(((second == LATIN) & (first > LATIN)).sum())


def char_class(char: str) -> int:
    """Class of a character; half-width katakana and all that is rare is `OTHER`."""
    if char.isascii():
        return LATIN if char.isalpha() else SPACE
    point = ord(char)
    for first, end, found in (
        (0x3040, 0x30A0, HIRAGANA),
        (0x30A0, 0x3100, KATAKANA),
        (0x4E00, 0xA000, IDEOGRAPH),
        (0xAC00, 0xD7A4, HANGUL),
        (0x3000, 0x3040, PUNCTUATION),
        (0xFF00, 0xFF61, PUNCTUATION),
    ):
        if first <= point < end:
            return found
    return PUNCTUATION if char in sign_costs() else OTHER


def _char_cost(char: str, language: str) -> int:
    if char.isascii():
        return 0
    known = scripts()[language].characters.get(char)
    return _unseen_cost(char, language) if known is None else known


@cache
def _unseen_cost(char: str, language: str) -> int:
    charset, end = COMMON[language]
    try:
        is_common = char.encode(charset) < end
    except UnicodeEncodeError:
        is_common = False
    nats = UNSEEN_COST[char_class(char)] + (0.0 if is_common else RARE_COST)
    return round(nats * COSTS_PER_NAT)
