import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackspark.texts.decoding.unicode_forms import (
    cesu_text,
    is_damaged_utf8,
    marked_text,
    unmarked_text,
)

TEXTS = [
    "int x;\n",
    "// Größe\r\n",
    "# 这是一个中文注释\nx\n",
    "# комментарий\nпривет = 1\n",
    "😀 x\n",
    "x" * 9000 + "\n",
    ("中文" * 40 + "\n") * 100,
]


@pytest.mark.parametrize("name", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_forms_without_a_mark(text: str, name: str) -> None:
    assert unmarked_text(text.encode(name)) == (name, text)


@pytest.mark.parametrize(
    "raw",
    [
        b"a\0b",  # no whole number of units
        b"a\0",  # too short to tell
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0",
        b"\1\0\2\0\3\0\4\0\5\0\6\0",  # small numbers
        b"GIF89a\x10\0\x10\0\x80\0\0\xff\xff\xff",
        bytes(range(256)),
        "\ud800 x y z".encode("utf-16-le", "surrogatepass"),
    ],
)
def test_binary_is_no_unicode(raw: bytes) -> None:
    assert unmarked_text(raw) is None


def test_random_bytes_are_no_unicode() -> None:
    chance = random.Random(4)
    assert [unmarked_text(chance.randbytes(400)) for _ in range(200)] == [None] * 200


@given(st.text(min_size=1))
def test_cesu_is_utf8_of_both_halves(text: str) -> None:
    halves = text.encode("utf-16-be")
    units = [
        halves[at : at + 2].decode("utf-16-be", "surrogatepass") for at in range(0, len(halves), 2)
    ]
    raw = b"".join(unit.encode("utf-8", "surrogatepass") for unit in units)
    assert cesu_text(raw) == ("CESU-8", text)


@pytest.mark.parametrize(
    "raw", [b"\xed\xa0\xbd", b"\xed\xb8\x80\xed\xa0\xbd", b"\xe9", b"\xc0\x80"]
)
def test_halves_without_the_other_are_no_cesu(raw: bytes) -> None:
    assert cesu_text(raw) is None


def test_a_mark_is_taken_off_and_one_that_does_not_hold_is_none() -> None:
    assert marked_text(b"\xff\xfea\0") == ("UTF-16LE", "a")
    assert marked_text(b"\xff\xfea") is None
    assert marked_text(b"abc") is None


def test_damage_is_little_among_valid_utf8() -> None:
    assert is_damaged_utf8("größer".encode() * 9 + b"\xff")
    assert not is_damaged_utf8("größer".encode("latin-1") * 9)
