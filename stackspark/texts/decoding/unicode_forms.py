"""Forms of Unicode besides UTF-8: with a byte-order mark, without one, and CESU-8."""

import re
from typing import NamedTuple

BYTE_ORDER_MARKS = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (b"\xff\xfe\x00\x00", "UTF-32LE"),
    (b"\x00\x00\xfe\xff", "UTF-32BE"),
    (b"\xef\xbb\xbf", "UTF-8"),
    (b"\xff\xfe", "UTF-16LE"),
    (b"\xfe\xff", "UTF-16BE"),
)

CESU_8 = "CESU-8"
"""UTF-8 of the two halves of a UTF-16 pair; Python has no codec for it. Source: UTR #26."""

MIN_UNMARKED_CHARS = 4
SAMPLE_CHARS = 4096

MIN_ASCII_FRACTION = 0.01
"""Least share of ASCII in UTF-16 and UTF-32 without a mark: a text has line ends at least."""

MIN_VALID_FRACTION = 0.9
"""Share of the bytes beyond ASCII that stand in valid UTF-8 where a text is UTF-8, but damaged."""

_UNITS = (("UTF-32LE", 4), ("UTF-32BE", 4), ("UTF-16LE", 2), ("UTF-16BE", 2))
_ASCII = re.compile(r"[\t\n\r -~]")
_STRANGE = re.compile("[\0-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff]")
_VALID = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]+")


class Form(NamedTuple):
    """A form of Unicode and the text in it, without its mark."""

    name: str
    text: str


def marked_text(raw: bytes) -> Form | None:
    """The text behind a byte-order mark; None without one, or where what follows is not valid."""
    for mark, name in BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            try:
                return Form(name, raw[len(mark) :].decode(name))
            except UnicodeDecodeError:
                continue
    return None


def unmarked_text(raw: bytes) -> Form | None:
    """UTF-16 or UTF-32 without a mark, which has NUL bytes where it has ASCII.

    What is no text, or is read in the wrong order of bytes, has characters that no text has, or
    next to no ASCII.
    """
    forms = [(_num_ascii(raw, name, size), name) for name, size in _UNITS]
    num_ascii, name = max(forms)
    if not num_ascii:
        return None
    try:
        return Form(name, raw.decode(name))
    except UnicodeDecodeError:
        return None


def _num_ascii(raw: bytes, name: str, size: int) -> int:
    """Characters of ASCII at the beginning of a text; 0 where it cannot be one of this form."""
    if len(raw) % size or len(raw) < size * MIN_UNMARKED_CHARS:
        return 0
    # A pair of surrogates may be cut at the end of the sample.
    sample = raw[: size * SAMPLE_CHARS].decode(name, "ignore")
    if len(sample) < min(len(raw) // size, SAMPLE_CHARS) // 2 or _STRANGE.search(sample):
        return 0
    found = len(_ASCII.findall(sample))
    return found if found >= MIN_ASCII_FRACTION * len(sample) else 0


def cesu_text(raw: bytes) -> Form | None:
    """The text of bytes that are CESU-8 and not UTF-8."""
    try:
        halves = raw.decode("utf-8", "surrogatepass")
        return Form(CESU_8, halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le"))
    except UnicodeDecodeError:
        return None


def is_damaged_utf8(raw: bytes) -> bool:
    """Whether nearly all of what is not ASCII is valid UTF-8, so that the rest is damage."""
    num_high = sum(map(len, _HIGH.findall(raw)))
    num_valid = sum(map(len, _VALID.findall(raw)))
    return num_valid >= MIN_VALID_FRACTION * num_high
