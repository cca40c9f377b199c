"""Costs of characters in languages, as `infra/make_encoding_data.py` counted them in translations.

A cost is a negative logarithm of a probability, in units of 1/`COSTS_PER_NAT`. Characters that are
not told apart are of one kind; the first kinds of every alphabet are `SPACE` to `SYMBOL`.
"""

import math
import unicodedata
from base64 import b64decode
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stackspark.runtime.reference_data import reference_data
from stackspark.texts.decoding.charsets import COSTS_PER_NAT

Costs = npt.NDArray[np.int64]

SPACE, LATIN, SIGN, LETTER, SYMBOL = range(5)
"""ASCII but letters; ASCII letters where the alphabet has none; signs of Western text such as © and
the dashes; letters of other alphabets; symbols such as those that draw boxes."""

NUM_KINDS = 5

DATA = "encodings.json"

SIGN_WEIGHTS = {
    "©": 36, "…": 35, "’": 34, "—": 29, "–": 16, "”": 14, "“": 13, "‘": 9, "»": 8, "«": 6, "·": 8,
    "\xa0": 7, "®": 6, "™": 5, "€": 5, "§": 5, "×": 4, "°": 20, "µ": 8, "±": 8, "£": 6, "•": 8,
    "²": 4, "³": 2, "„": 4, "¿": 4, "¡": 2, "½": 1.5, "º": 3, "ª": 1.5, "№": 2, "´": 5, "¹": 1,
}  # fmt: skip
"""Files of 7,278 with text beyond ASCII that have a sign, in hundreds and rounded; ° to ´ by hand,
as code of before UTF-8 has more of them."""

OTHER_SIGNS = "¶‚›‹¥¢¤÷¼¾†‡‰¬\xad¨¸¯"
OTHER_SIGN_WEIGHT = 0.3


class Alphabet(NamedTuple):
    """A language that is written with letters.

    Attributes:
        kinds: kind of each of its letters, in lower case, from `NUM_KINDS` on.
        pairs: cost of a kind behind another, shape (k, k).
    """

    kinds: Mapping[str, int]
    pairs: Costs

    def kind(self, char: str) -> int:
        """Kind of a character."""
        folded = char.lower()
        if folded in self.kinds:
            return self.kinds[folded]
        if char.isascii():
            return LATIN if char.isalpha() else SPACE
        if char in sign_costs():
            return SIGN
        is_letter = char.isalpha() or unicodedata.category(char)[0] == "M"
        return LETTER if is_letter else SYMBOL


class Script(NamedTuple):
    """A language of thousands of characters.

    Attributes:
        pairs: cost of a class of characters behind another, shape (c, c); see `east_asian`.
        characters: cost of a character within its class.
    """

    pairs: Costs
    characters: Mapping[str, int]


@cache
def alphabets() -> Mapping[str, Alphabet]:
    """Languages by their code."""
    return {name: _alphabet(**data) for name, data in _data("alphabets").items()}


@cache
def scripts() -> Mapping[str, Script]:
    """East Asian languages by their code."""
    return {name: _script(**data) for name, data in _data("scripts").items()}


@cache
def sign_costs() -> Mapping[str, int]:
    """Cost of each sign among signs."""
    weights = SIGN_WEIGHTS | dict.fromkeys(OTHER_SIGNS, OTHER_SIGN_WEIGHT)
    total = sum(weights.values())
    return {
        sign: round(-COSTS_PER_NAT * math.log(weight / total)) for sign, weight in weights.items()
    }


def _data(part: str) -> Any:
    return reference_data(DATA)[part]


def _alphabet(letters: str, pairs: str) -> Alphabet:
    kinds = {letter: kind for kind, letter in enumerate(letters, NUM_KINDS)}
    size = NUM_KINDS + len(letters)
    return Alphabet(kinds, _bytes(pairs).reshape(size, size))


def _script(characters: str, costs: str, pairs: str) -> Script:
    table = _bytes(pairs)
    size = int(len(table) ** 0.5)
    each = dict(zip(characters, _bytes(costs).tolist(), strict=True))
    return Script(table.reshape(size, size), each)


def _bytes(text: str) -> Costs:
    return np.frombuffer(b64decode(text), np.uint8).astype(np.int64)
