"""Visible text of HTML, counted by a tokenizer, without a tree.

Elements nested deeply or left open make any tree builder of the HTML standard take quadratic time
and memory (500 kB of ``<div>`` took lexbor 52 s), and a corpus holds such files. The number of
visible characters needs tokens only, so this tokenizer follows the standard's in one pass and
constant memory: text outside of tags and comments, without the elements `script` and `style`. White
space counts, as in BeautifulSoup's `get_text`; a character reference is one character.

Source: HTML standard, section 13.2.5; rule of the StarCoder code for visible text.
"""

import numpy as np

from stackspark.runtime.buffers import Bytes
from stackspark.runtime.compiled import compiled, inlined

HTML_VERSION = "1"
"""Changes with any result of `visible_chars`."""

MAX_REFERENCE_BYTES = 33
"""Longest name of a character reference (CounterClockwiseContourIntegral;), and the sign."""

LESS, GREATER, AMPERSAND, BANG, SLASH, QUESTION, DASH = b"<>&!/?-"
EQUALS, DOUBLE_QUOTE, SINGLE_QUOTE, SEMICOLON, HASH = b"=\"';#"
SMALL_A, SMALL_Z = b"az"
TO_LOWER = 0x20

SCRIPT = np.frombuffer(b"script", np.uint8)
STYLE = np.frombuffer(b"style", np.uint8)


def visible_chars(html: str) -> int:
    """Code points of the visible text of one HTML file.

    An open comment, tag, script or style reaches to the end of the file and hides the rest. Takes
    linear time on any text.
    """
    data = np.frombuffer(html.encode("utf-8", "replace"), np.uint8)
    return int(_visible_chars(data, SCRIPT, STYLE))


@compiled
def _visible_chars(data: Bytes, script: Bytes, style: Bytes) -> int:
    visible, position, end = 0, 0, len(data)
    while position < end:
        byte = data[position]
        if byte == LESS and position + 1 < end:
            after = _markup_end(data, position)
            if after > position:
                if _is_named(data, position + 1, script):
                    after = _raw_text_end(data, after, script)
                elif _is_named(data, position + 1, style):
                    after = _raw_text_end(data, after, style)
                position = after
                continue
        if byte == AMPERSAND:
            position = _reference_end(data, position)
            visible += 1
            continue
        visible += (byte & 0xC0) != 0x80
        position += 1
    return visible


@inlined
def _is_letter(byte: np.uint8) -> bool:
    return bool(SMALL_A <= (byte | TO_LOWER) <= SMALL_Z)


@inlined
def _is_space(byte: np.uint8) -> bool:
    return byte in (0x20, 0x0A, 0x09, 0x0C, 0x0D)


@compiled
def _markup_end(data: Bytes, start: int) -> int:
    """End of the tag, comment or declaration at a `<`; `start` if it is none."""
    kind = data[start + 1]
    name = start + 2 if kind == SLASH else start + 1
    if name < len(data) and _is_letter(data[name]):
        return _tag_end(data, name)
    if (
        kind == BANG
        and start + 3 < len(data)
        and data[start + 2] == DASH
        and data[start + 3] == DASH
    ):
        return _comment_end(data, start + 4)
    if kind in (SLASH, BANG, QUESTION) and name < len(data):
        return _find(data, GREATER, start + 2) + 1
    return start


@compiled
def _tag_end(data: Bytes, position: int) -> int:
    """Position after the `>` of a tag; a quoted value of an attribute may hold one."""
    end = len(data)
    while position < end and data[position] != GREATER:
        if data[position] == EQUALS:
            position += 1
            while position < end and _is_space(data[position]):
                position += 1
            if position < end and data[position] in (DOUBLE_QUOTE, SINGLE_QUOTE):
                position = _find(data, data[position], position + 1)
                position += 1
            continue
        position += 1
    return min(position + 1, end)


@compiled
def _find(data: Bytes, byte: int, position: int) -> int:
    """Position of a byte at or after `position`; of the last byte if it is not there."""
    while position < len(data) and data[position] != byte:
        position += 1
    return min(position, len(data) - 1)


@compiled
def _comment_end(data: Bytes, position: int) -> int:
    """Position after the end of a comment whose text begins at `position`."""
    end = len(data)
    # `<!-->` and `<!--->` are whole comments.
    if position < end and data[position] == GREATER:
        return position + 1
    if position + 1 < end and data[position] == DASH and data[position + 1] == GREATER:
        return position + 2
    while position + 2 < end:
        if data[position] == DASH and data[position + 1] == DASH:
            if data[position + 2] == GREATER:
                return position + 3
            if position + 3 < end and data[position + 2] == BANG and data[position + 3] == GREATER:
                return position + 4
        position += 1
    return end


@compiled
def _is_named(data: Bytes, position: int, name: Bytes) -> bool:
    """Whether the tag whose name begins at `position` is of an element, in any letter case."""
    after = position + len(name)
    if after >= len(data):
        return False
    for step in range(len(name)):
        if data[position + step] | TO_LOWER != name[step]:
            return False
    return _is_space(data[after]) or data[after] in (GREATER, SLASH)


@compiled
def _raw_text_end(data: Bytes, position: int, name: Bytes) -> int:
    """Position of the end tag of an element whose text is no markup."""
    while position + 2 < len(data):
        if (
            data[position] == LESS
            and data[position + 1] == SLASH
            and _is_named(data, position + 2, name)
        ):
            return position
        position += 1
    return len(data)


@compiled
def _reference_end(data: Bytes, start: int) -> int:
    """Position after the character reference at an `&`; after the `&` if it is none."""
    limit = min(start + MAX_REFERENCE_BYTES, len(data))
    position = start + 1
    if position < limit and data[position] == HASH:
        position += 1
    while position < limit and (_is_letter(data[position]) or 0x30 <= data[position] <= 0x39):
        position += 1
    if position < limit and data[position] == SEMICOLON and position > start + 1:
        return position + 1
    return start + 1
