r"""Encoded data in texts: runs of base64, of hexadecimal bytes and of Unicode escapes.

The three patterns, of which all leftmost greedy matches count:

- base64 ``[a-zA-Z0-9+/\n=]{64,}``
- hexadecimal ``(?:\b(?:0x|\\x)?[0-9a-fA-F]{2}(?:,|\b\s*)){8,}``
- escapes ``(?:\\u[0-9a-fA-F]{4}){8,}``

``\b`` and ``\s`` are ASCII, as in Python's `re.ASCII`: a word is ``[a-zA-Z0-9_]``, white space
``[ \t\n\r\f\v]``; any other character bounds a word. Each pattern can be read without going back:
where an element of a run fails, no other way to read the run would have gone further. So the
kernels below are exact and take linear time on any text. A window of the length of the shortest
match is skipped where its last byte cannot belong to one, so ordinary code costs little.

Matches are ASCII: their bytes are code points. Spans of several patterns count once in the
fraction, though the longest match is looked for in each pattern alone.

Source: StarCoder2 paper (arXiv 2402.19173), basic filters.
"""

import string
from functools import cache

import numpy as np
import pyarrow as pa

from stackspark.runtime.buffers import Bytes, Longs, text_buffers
from stackspark.runtime.compiled import compiled, inlined
from stackspark.texts.text_metrics import fraction, require_texts

ENCODED_VERSION = "1"
"""Changes with any result of `measure_encoded_data`."""

MIN_BASE64_CHARS, MIN_ELEMENTS = 64, 8
ESCAPE_CHARS = 6
MIN_ESCAPES_CHARS = MIN_ELEMENTS * ESCAPE_CHARS
MIN_HEX_CHARS = 3 * MIN_ELEMENTS - 1
"""Eight times two digits and a separator between them."""

BASE64, HEX_RUN, ESCAPES, HEX_DIGIT, WORD, SPACE = 1, 2, 4, 8, 16, 32
"""Bits of the table of bytes; the first three are the runs that a byte can be in."""

COVERED, LONGEST, NUM_CHARS = 0, 1, 2

Classes = tuple[Bytes, int, int]
"""Table of bytes, the bit of a class in it, and the least number of bytes to look for."""

COMMA, ZERO, BACKSLASH, SMALL_X, SMALL_U = b",0\\xu"


def measure_encoded_data(texts: pa.Array) -> dict[str, pa.Array]:
    """Measure how much of each text is encoded data.

    Args:
        texts: n texts, string or large_string, valid UTF-8, no nulls.

    Returns:
        `encoded_fraction`: float64 in 0..1, code points in the union of all matches over all code
        points, 0 for an empty text; `max_encoded_chars`: int64, the longest match, 0 if none.

    Raises:
        ValueError: if a text is null.
    """
    require_texts(texts)
    measured = _measure(*text_buffers(texts), _byte_classes())
    return {
        "encoded_fraction": pa.array(fraction(measured[COVERED], measured[NUM_CHARS])),
        "max_encoded_chars": pa.array(measured[LONGEST]),
    }


@cache
def _byte_classes() -> Bytes:
    table = np.zeros(256, np.uint8)
    alnum, spaces = string.ascii_letters + string.digits, string.whitespace
    for bit, members in (
        (BASE64, alnum + "+/\n="),
        (HEX_RUN, string.hexdigits + "x\\," + spaces),
        (ESCAPES, string.hexdigits + "u\\"),
        (HEX_DIGIT, string.hexdigits),
        (WORD, alnum + "_"),
        (SPACE, spaces),
    ):
        table[np.frombuffer(members.encode(), np.uint8)] |= bit
    return table


@compiled
def _measure(data: Bytes, offsets: Longs, table: Bytes) -> Longs:
    """Code points covered, longest match and number of code points of each text, shape (3, n)."""
    measured = np.zeros((3, len(offsets) - 1), np.int64)
    for row in range(len(offsets) - 1):
        start, end = offsets[row], offsets[row + 1]
        chars = 0
        for position in range(start, end):
            chars += (data[position] & 0xC0) != 0x80
        measured[NUM_CHARS, row] = chars
        # The next match of each pattern; `end` when there is none. They are merged by their start.
        base64_start, base64_end = _next_base64(data, table, start, end)
        hex_start, hex_end = _next_hex(data, table, start, start, end)
        escapes_start, escapes_end = _next_escapes(data, table, start, end)
        covered_end, covered, longest = start, 0, 0
        while min(base64_start, hex_start, escapes_start) < end:
            if base64_start <= hex_start and base64_start <= escapes_start:
                first, last = base64_start, base64_end
                base64_start, base64_end = _next_base64(data, table, last, end)
            elif hex_start <= escapes_start:
                first, last = hex_start, hex_end
                hex_start, hex_end = _next_hex(data, table, start, last, end)
            else:
                first, last = escapes_start, escapes_end
                escapes_start, escapes_end = _next_escapes(data, table, last, end)
            longest = max(longest, last - first)
            covered += max(0, last - max(first, covered_end))
            covered_end = max(covered_end, last)
        measured[COVERED, row] = covered
        measured[LONGEST, row] = longest
    return measured


@inlined
def _next_window(data: Bytes, classes: Classes, start: int, end: int) -> int:
    """First position at or after `start` from which `min_chars` bytes are of a class, or `end`."""
    table, bit, min_chars = classes
    while start + min_chars <= end:
        last = start + min_chars - 1
        while last >= start and table[data[last]] & bit:
            last -= 1
        if last < start:
            return start
        start = last + 1
    return end


@compiled
def _next_base64(data: Bytes, table: Bytes, start: int, end: int) -> tuple[int, int]:
    """First match of the pattern of base64 at or after `start`; (end, end) if none."""
    first = _next_window(data, (table, BASE64, MIN_BASE64_CHARS), start, end)
    last = min(first + MIN_BASE64_CHARS, end)
    while last < end and table[data[last]] & BASE64:
        last += 1
    return first, last


@compiled
def _next_escapes(data: Bytes, table: Bytes, start: int, end: int) -> tuple[int, int]:
    """First match of the pattern of escapes at or after `start`; (end, end) if none."""
    while start < end:
        first = _next_window(data, (table, ESCAPES, MIN_ESCAPES_CHARS), start, end)
        last = first
        while _is_escape(data, table, last, end):
            last += ESCAPE_CHARS
        if last - first >= MIN_ESCAPES_CHARS:
            return first, last
        start = max(last, first + 1)
    return end, end


@inlined
def _is_escape(data: Bytes, table: Bytes, position: int, end: int) -> bool:
    if position + ESCAPE_CHARS > end:
        return False
    if data[position] != BACKSLASH or data[position + 1] != SMALL_U:
        return False
    for digit in range(position + 2, position + ESCAPE_CHARS):
        if not table[data[digit]] & HEX_DIGIT:
            return False
    return True


@compiled
def _next_hex(data: Bytes, table: Bytes, text_start: int, start: int, end: int) -> tuple[int, int]:
    """First match of the pattern of hexadecimal bytes at or after `start`; (end, end) if none."""
    while start < end:
        first = _next_window(data, (table, HEX_RUN, MIN_HEX_CHARS), start, end)
        last, elements = first, 0
        after = _hex_element_end(data, table, text_start, last, end)
        while after > last:
            last = after
            elements += 1
            after = _hex_element_end(data, table, text_start, last, end)
        if elements >= MIN_ELEMENTS:
            return first, last
        start = max(last, first + 1)
    return end, end


@inlined
def _hex_element_end(data: Bytes, table: Bytes, text_start: int, start: int, end: int) -> int:
    """End of the element of the hexadecimal pattern at `start`; `start` if there is none."""
    position = start
    if (
        position + 2 <= end
        and data[position] in (ZERO, BACKSLASH)
        and data[position + 1] == SMALL_X
    ):
        position += 2
    if position + 2 > end or not _is_boundary(data, table, text_start, start, end):
        return start
    if not (table[data[position]] & HEX_DIGIT and table[data[position + 1]] & HEX_DIGIT):
        return start
    position += 2
    if position < end and data[position] == COMMA:
        return position + 1
    if not _is_boundary(data, table, text_start, position, end):
        return start
    while position < end and table[data[position]] & SPACE:
        position += 1
    return position


@inlined
def _is_boundary(data: Bytes, table: Bytes, start: int, position: int, end: int) -> bool:
    """Whether exactly one of the bytes beside a position is of a word."""
    before = position > start and (table[data[position - 1]] & WORD) != 0
    after = position < end and (table[data[position]] & WORD) != 0
    return before != after
