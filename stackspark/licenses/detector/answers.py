"""Answers of a detector to one licence text, the same for every detector.

Source: outcomes are values, not errors, so that one hostile text costs its own answer and no more.
"""

import re
from functools import partial
from typing import Any, Final, Literal

import pyarrow as pa

from stackspark.contracts.tables import table_contract

TEXT, HEADER = "text", "header"
"""Parts of a blob: all of a licence file, or the first lines of another file."""

Detector = Literal["built_in", "scancode"]
BUILT_IN: Final = "built_in"
SCANCODE: Final = "scancode"

MAX_TEXT_CHARS = 1_000_000
"""Longest part of a licence text that is read."""

HEADER_LINES, MAX_HEADER_CHARS = 60, 20_000
"""First part of any other file, which is read if it speaks of a licence."""

MAX_MATCHES = 200
MAX_HOLDERS, MAX_HOLDER_CHARS = 20, 200

DETECTED = pa.schema(table_contract("license_texts").fields("detector_version"))
"""Rows of `license_texts`, their version aside."""

DETECTED_OUTCOME, NOTHING_FOUND, NO_TEXT = "detected", "nothing_found", "empty"
TIMED_OUT, OUT_OF_MEMORY, CRASHED = "timed_out", "out_of_memory", "crashed"

# "Copyright (c) 2020 Somebody", and not the sentences of a licence about copyright notices. Every
# repetition is bounded: a hostile line of a million blanks must not be tried from each of them.
_HOLDER = re.compile(
    r"^[ \t#*/;>.\"'-]{0,40}((?:copyright|©|\(c\))[ \t]{0,8}(?:\(c\)|©|&copy;)?[ \t,:]{0,8}"
    r"\d{4}[^\n]{3,400})",
    re.IGNORECASE | re.MULTILINE,
)
_HOLDER_LINE = re.compile(rf"(?:{_HOLDER.pattern}).*$", _HOLDER.flags)
_SPEAKS_BESIDES = re.compile(
    r"licen[cs]e|permi(?:t|ssion)|redistribut|public domain|spdx|free|gpl|\bmit\b|apache|bsd"
    r"|copying",
    re.IGNORECASE,
)


def _sentence(start: str, end: str) -> re.Pattern[str]:
    """Two runs of words, over line ends and comment marks, and up to 200 characters between."""
    first, last = (words.replace(" ", r"[\s*#/]+") for words in (start, end))
    return re.compile(rf"\b{first}\b.{{1,200}}?{last}", re.IGNORECASE | re.DOTALL)


_NAMING_SENTENCES = (
    (
        _sentence("neither the names?", "nor the names of (?:its|their|the|any)?"),
        "Neither the name of the copyright holder nor the names of its",
    ),
    (
        _sentence("software is provided by", r"(?=[\"'`“‘]+as[\s*#/]+is)"),
        "SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS ",
    ),
    (
        _sentence("in no event shall", "be liable for any direct"),
        "IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT",
    ),
)
_SPEAKS_OF_LICENSES = re.compile(
    r"licen[cs]e|copyright|copying|permi(?:t|ssion)|redistribut|public domain|spdx", re.IGNORECASE
)
_PLACEHOLDER = re.compile(r"[\[{<](?:yyyy|year|name|fullname)", re.IGNORECASE)


def header_of(text: str) -> str:
    """The first lines of a file, or an empty text where they do not speak of a licence."""
    head = "\n".join(text[:MAX_HEADER_CHARS].split("\n", HEADER_LINES)[:HEADER_LINES])
    return head if _SPEAKS_OF_LICENSES.search(head) else ""


def found(
    expression: str | None, method: str, matches: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """The answer to a text: what it states, how that was found, and the matches behind it."""
    return {
        "outcome": DETECTED_OUTCOME if expression else NOTHING_FOUND,
        "expression": expression,
        "method": method,
        "matches": (matches or [])[:MAX_MATCHES],
    }


def without_answer(outcome: str) -> dict[str, Any]:
    """The answer to a text that could not be looked at to the end."""
    return {"outcome": outcome, "expression": None, "method": None, "matches": []}


def without_holders(text: str) -> str:
    """The text with an empty line for each copyright line: what it states is the same.

    A line that speaks of a licence too stays; line numbers stay as they are.
    """
    return _HOLDER_LINE.sub(_emptied, text)


def _emptied(line: re.Match[str]) -> str:
    return line[0] if _SPEAKS_BESIDES.search(line[0]) else ""


def with_placeholders(text: str) -> str:
    """The text with the holder's name in BSD's sentences replaced by what the template has there.

    Such names are replaceable text by SPDX's guidelines for matching. Line numbers stay, except
    within the sentence.
    """
    for sentence, template in _NAMING_SENTENCES:
        text = sentence.sub(partial(_templated, template), text)
    return text


def _templated(template: str, sentence: re.Match[str]) -> str:
    return template + "\n" * sentence[0].count("\n")


def copyright_holders(text: str) -> list[str]:
    """Copyright lines of a licence text, distinct, in their order, at most `MAX_HOLDERS`."""
    lines = (" ".join(match[1].split()) for match in _HOLDER.finditer(text))
    kept = dict.fromkeys(line[:MAX_HOLDER_CHARS] for line in lines if not _PLACEHOLDER.search(line))
    return list(kept)[:MAX_HOLDERS]
