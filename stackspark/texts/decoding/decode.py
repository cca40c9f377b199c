"""Decoding of a file's bytes: empty, binary, undecodable, or text in a known character set.

Attempts in this order: a byte-order mark; UTF-16 and UTF-32 without one, which NUL bytes tell;
UTF-8, within which ISO-2022 tells itself by its escapes; what the text declares; CESU-8; the
likeliest character set. The whole file must be valid in what is chosen.
"""

import re
from typing import NamedTuple

from stackspark.texts.decoding.charsets import names_meant
from stackspark.texts.decoding.declarations import declared_labels
from stackspark.texts.decoding.guess import guess_text
from stackspark.texts.decoding.unicode_forms import (
    cesu_text,
    is_damaged_utf8,
    marked_text,
    unmarked_text,
)

DECODER_VERSION = 2
"""Raised with each change of what is guessed or refused: such files are then decoded again."""

MAX_CONTROL_FRACTION = 0.05
"""Largest share of control characters in a guessed text: random bytes have 10 % and more."""

CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
"""Control characters that neither lay out nor colour text."""

_ISO_2022 = re.compile(rb"\x1b\$(?:[@AB]|\([DOQ]|\)C)")
_ISO_2022_NAMES = ("ISO-2022-JP-EXT", "ISO-2022-JP-2004", "ISO-2022-JP-2", "ISO-2022-KR")
"""The first are without a superset among the others; all are 7 bit and shift by escapes."""


class Decoded(NamedTuple):
    """Outcome of decoding the bytes of one file.

    `status` is ok, empty, binary or undecodable; encoding and text are set if and only if it is
    ok. `src_encoding` is an upper-case name that Python's codecs know, or CESU-8;
    `encoding_confidence`, in 0..1, is the probability of a guess against the next likely text,
    None where nothing was guessed. `text` has no byte-order mark and is always valid in UTF-8; its
    line ends are those of the file.
    """

    status: str
    src_encoding: str | None = None
    encoding_confidence: float | None = None
    text: str | None = None


EMPTY = Decoded(status="empty")
BINARY = Decoded(status="binary")
UNDECODABLE = Decoded(status="undecodable")


def decode(raw: bytes) -> Decoded:
    """Decode the bytes of one file; see the module for the order of the attempts.

    A file of a byte-order mark alone is empty. Text with U+0000 is binary in any encoding. Whether
    a file is too large is for the caller to say.
    """
    if not raw:
        return EMPTY
    if marked := marked_text(raw):
        return _ok(*marked) if marked.text else EMPTY
    if b"\x00" in raw:
        unmarked = unmarked_text(raw)
        return _ok(*unmarked) if unmarked else BINARY
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_legacy(raw)
    # One byte is sought ten times as fast as two.
    return (_iso_2022(raw) if b"\x1b" in raw else None) or Decoded("ok", "UTF-8", None, text)


def _decode_legacy(raw: bytes) -> Decoded:
    for label in declared_labels(raw):
        for name in names_meant(label):
            if (text := _valid(raw, name)) is not None:
                return _ok(name, text)
    if cesu := cesu_text(raw):
        return _ok(*cesu)
    if is_damaged_utf8(raw):
        return UNDECODABLE
    guess = guess_text(raw)
    if guess is None:
        return UNDECODABLE
    if len(guess.text) - len(CONTROL.sub("", guess.text)) > MAX_CONTROL_FRACTION * len(guess.text):
        return BINARY
    return _ok(guess.charset, guess.text, guess.confidence)


def _iso_2022(raw: bytes) -> Decoded | None:
    if not _ISO_2022.search(raw):
        return None
    for name in _ISO_2022_NAMES:
        text = _valid(raw, name)
        if text is not None and not CONTROL.search(text) and "\x1b" not in text:
            return _ok(name, text)
    return None


def _valid(raw: bytes, name: str) -> str | None:
    try:
        return raw.decode(name)
    except UnicodeDecodeError:
        return None


def _ok(encoding: str, text: str, confidence: float | None = None) -> Decoded:
    if "\x00" in text:
        return BINARY
    return Decoded(status="ok", src_encoding=encoding, encoding_confidence=confidence, text=text)
