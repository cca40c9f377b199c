"""Numbers with units, names that are safe to show, and the name that a wrong one may mean."""

import difflib
import math
import unicodedata
from collections.abc import Iterable, Iterator

MAX_SHOWN_CHARS = 240
"""Longer names are cut in the middle where people read them."""


def limit_words(value: float, limit: float | None, unit: str = "") -> str:
    """A value beside its limit, if it has one, such as ``0.8512, over the limit of 0.8``."""
    found, bound = _pair(value, limit)
    measured = f"{found} {unit}" if unit else found
    if limit is None:
        return measured
    side = "over" if value > limit else "under" if value < limit else "at"
    return f"{measured}, {side} the limit of {bound}"


def _pair(value: float, limit: float | None) -> tuple[str, str]:
    """Value and limit with as few digits as tell them apart."""
    if limit is None:
        return number(value), ""
    found, bound = number(value), number(limit)
    return (repr(value), repr(limit)) if found == bound and value != limit else (found, bound)


def number(value: float) -> str:
    """A number as people write it: ``5,312``, ``0.2413``, ``12.5``."""
    if not math.isfinite(value):
        return str(value)
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.4g}"


def size(num_bytes: float) -> str:
    """A size in decimal units: ``67.5 TB``, ``312 B``."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(num_bytes) < 999.5:
            return f"{num_bytes:.3g} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:,.3g} PB" if num_bytes < 999.5 else f"{num_bytes:,.0f} PB"


def share(part: float, whole: float) -> str:
    """A share in per cent that never rounds something to nothing, nor nearly all to all."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    return f"{percent:.1f} %"


def duration(seconds: float) -> str:
    """A time span: ``0.8 s``, ``3 min 12 s``, ``2 h 05 min``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean JSON?`` for a wrong name that is like a known one; else nothing."""
    by_lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[close[0]]}?" if close else ""


def visible(text: str, max_chars: int = MAX_SHOWN_CHARS) -> str:
    """Text in which nothing hides: control, bidirectional, zero-width and lone surrogates escaped.

    Names in archives are written by strangers: a terminal would obey their escape sequences, a
    reader be misled by a right-to-left override. Too long a text loses its middle.
    """
    if len(text) > max_chars:
        half = (max_chars - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    return "".join(_shown(text))


def _shown(text: str) -> Iterator[str]:
    for character in text:
        if character == " " or unicodedata.category(character)[0] not in "CZ":
            yield character
        else:
            code = ord(character)
            yield f"\\x{code:02x}" if code < 256 else f"\\u{{{code:x}}}"
