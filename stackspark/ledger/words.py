"""Words for people: what each cause of removal means, numbers with units, names safe to show."""

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MAX_SHOWN_CHARS = 240
"""Longer names are cut in the middle where people read them."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A reason for a file not to be in the dataset.

    `quantity` names the measured value of a rule that has one and `unit` what it counts.
    """

    title: str
    description: str
    quantity: str = ""
    unit: str = ""


CAUSES = {
    "not_a_file": Cause(
        title="Not a regular file",
        description="Symbolic links name another file and hold no text of their own.",
    ),
    "opt_out": Cause(
        title="Opted out",
        description="The owner asked for the code not to be used.",
    ),
    "too_large": Cause(
        title="Too large",
        description="Longer than the limit on one file.",
        quantity="length",
        unit="bytes",
    ),
    "binary": Cause(title="Binary", description="The bytes are not text."),
    "undecodable": Cause(
        title="Unknown encoding",
        description="No character encoding turns the bytes into text.",
    ),
    "empty": Cause(title="Empty", description="No text at all."),
    "license": Cause(
        title="Licence not permissive",
        description="A licence that applies to the file is not on the list of permissive licences.",
    ),
    "license_elsewhere": Cause(
        title="Not permissive elsewhere",
        description="The same text stands under a licence that is not permissive in another place.",
    ),
    "excluded_pair": Cause(
        title="Excluded extension",
        description="Files of this language with this extension were found to be mostly not code.",
    ),
    "excluded_language": Cause(
        title="Excluded language",
        description="The language is not part of the dataset.",
    ),
    "num_lines": Cause(
        title="Too many lines",
        description="More lines than the limit on one file.",
        quantity="number of lines",
    ),
    "avg_line_length": Cause(
        title="Long lines on average",
        description="The mean length of a line is over the limit: minified code or data.",
        quantity="mean line length",
        unit="characters",
    ),
    "max_line_length": Cause(
        title="One very long line",
        description="The longest line is over the limit: minified code or data.",
        quantity="longest line",
        unit="characters",
    ),
    "generated": Cause(
        title="Generated file",
        description="The name or the content is that of a file that a program wrote.",
    ),
    "generated_marker": Cause(
        title="Says that it is generated",
        description="One of the first five lines says so.",
    ),
    "alpha_fraction": Cause(
        title="Few letters",
        description="The share of letters is under the limit: mostly numbers or punctuation.",
        quantity="share of letters",
    ),
    "alphanum_fraction": Cause(
        title="Few letters and digits",
        description="The share of letters and digits is under the limit.",
        quantity="share of letters and digits",
    ),
    "encoded_run": Cause(
        title="Long run of encoded data",
        description="One run of base64, hexadecimal or escapes is over the limit.",
        quantity="longest run of encoded data",
        unit="characters",
    ),
    "encoded_fraction": Cause(
        title="Mostly encoded data",
        description="The share of base64, hexadecimal and escapes is over the limit.",
        quantity="share of encoded data",
    ),
    "data_language_lines": Cause(
        title="Data with many lines",
        description="A file in a language of data, such as JSON, with more lines than the limit.",
        quantity="number of lines",
    ),
    "html_visible_text": Cause(
        title="HTML without text",
        description="The page shows too little text for its markup.",
        quantity="visible text",
        unit="characters",
    ),
    "text_file_name": Cause(
        title="Text file of no use",
        description="A plain text file whose name is not that of documentation.",
    ),
    "contamination": Cause(
        title="Benchmark text",
        description="Holds text of a benchmark that models are tested with.",
        quantity="benchmark items found",
    ),
    "exact_duplicate": Cause(
        title="Exact copy",
        description="The same bytes stay in the dataset in another file.",
    ),
    "normalized_duplicate": Cause(
        title="Copy but for white space",
        description="Equal to a file that stays, but for line ends and trailing blanks.",
        quantity="similarity",
    ),
    "near_duplicate": Cause(
        title="Near-duplicate",
        description="Verified to be similar to a file that stays.",
        quantity="similarity",
    ),
}
"""Every cause, in the fixed order of rules: the first that holds is a file's first cause."""

UNVERIFIED = "Joined to a file that stays by a chain of shared bands; nothing was verified."
"""Description of near-duplicates by the rule `components`."""

FATES = {
    "not_sampled": Cause(
        title="Not sampled",
        description="Kept by every rule, left out of this mix.",
    ),
    "listed": Cause(
        title="Files listed",
        description="Everything below the selected root directories of the sources.",
    ),
    "kept": Cause(title="Kept", description="What the dataset is made of."),
    "quarantined": Cause(
        title="Quarantined",
        description="The file could not be read; its error is recorded.",
    ),
}
"""What becomes of files, apart from removal by a cause."""


def cause_words(name: str) -> Cause:
    """Words for a cause or a fate; an unknown one speaks for itself."""
    return (CAUSES | FATES).get(name, Cause(title=name.replace("_", " "), description=""))


def cause_place(name: str) -> tuple[int, str]:
    """Sort key of a cause: the fixed order of rules, then unknown causes by name."""
    known = list(CAUSES)
    return (known.index(name) if name in CAUSES else len(known), name)


def verdict_words(rule: str, value: float | None, limit: float | None) -> str:
    """What a rule found, such as ``longest line 5,312 characters, over the limit of 1,000``."""
    cause = cause_words(rule)
    if value is None:
        return cause.description or cause.title
    return f"{cause.quantity or cause.title} {limit_words(value, limit, cause.unit)}"


def limit_words(value: float, limit: float | None, unit: str = "") -> str:
    """A value beside its limit, if it has one, such as ``0.8512, over the limit of 0.8``."""
    found, bound = _pair(value, limit)
    measured = f"{found} {unit}" if unit else found
    if limit is None:
        return measured
    side = "over" if value > limit else "under" if value < limit else "at"
    return f"{measured}, {side} the limit of {bound}"


def evidence_words(established_by: str) -> str:
    """How the similarity of two files is known, for a person."""
    if established_by == "component":
        return "estimated; joined by shared bands, not verified"
    return established_by.replace("_", " ")


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
