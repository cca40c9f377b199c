"""Decoding of a file's bytes: empty, binary, undecodable, or text in a detected encoding.

Attempts in this order: a byte-order mark, a NUL byte (binary), UTF-8, a detector. The mark comes
first because UTF-16 and UTF-32 are full of NUL bytes; bytes that only look like a mark are tried
further. The detector sees at most `MAX_SAMPLE_BYTES`, since it takes 0.3-0.5 s a megabyte; the
sample of a longer file is its first lines with a non-ASCII byte, the only ones that it can judge
by. The whole file must then decode, strictly, in the encoding that the detector names.
"""

import re
from typing import NamedTuple

import cchardet

MAX_SAMPLE_BYTES = 65_536
"""Largest sample for the detector: 35 ms at most."""

MAX_CONTROL_FRACTION = 0.05
"""Largest share of control characters in a detected text: random bytes have 10 % and more."""

BYTE_ORDER_MARKS = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (b"\xff\xfe\x00\x00", "UTF-32LE"),
    (b"\x00\x00\xfe\xff", "UTF-32BE"),
    (b"\xef\xbb\xbf", "UTF-8"),
    (b"\xff\xfe", "UTF-16LE"),
    (b"\xfe\xff", "UTF-16BE"),
)

MAX_LINE_START_BYTES = 512
"""Bytes of a long line that the sample holds before the first non-ASCII byte."""

NON_ASCII = re.compile(rb"[\x80-\xff]")
CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
"""Control characters that neither lay out nor colour text."""


class Decoded(NamedTuple):
    """Outcome of decoding the bytes of one file.

    `status` is ok, empty, binary or undecodable; encoding and text are set if and only if it is
    ok. `src_encoding` is an upper-case name that Python's codecs know; `encoding_confidence`, in
    0..1, is the detector's, None where it was not asked. `text` has no byte-order mark and is
    always valid in UTF-8; its line ends are those of the file.
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
    marked = _decode_marked(raw)
    if marked is not None:
        return marked
    if b"\x00" in raw:
        return BINARY
    try:
        return _ok("UTF-8", None, raw.decode("utf-8"))
    except UnicodeDecodeError:
        return _decode_detected(raw)


def _decode_marked(raw: bytes) -> Decoded | None:
    for mark, encoding in BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            try:
                text = raw[len(mark) :].decode(encoding)
            except UnicodeDecodeError:
                continue
            if not text:
                return EMPTY
            return BINARY if "\x00" in text else _ok(encoding, None, text)
    return None


def _ok(encoding: str, confidence: float | None, text: str) -> Decoded:
    return Decoded(status="ok", src_encoding=encoding, encoding_confidence=confidence, text=text)


def _decode_detected(raw: bytes) -> Decoded:
    detected = cchardet.detect(_sample(raw))
    encoding, confidence = detected["encoding"], detected["confidence"]
    if encoding is None:
        return UNDECODABLE
    try:
        text = raw.decode(encoding)
        text.encode("utf-8")
    except (LookupError, ValueError):
        return UNDECODABLE
    if len(text) - len(CONTROL.sub("", text)) > MAX_CONTROL_FRACTION * len(text):
        return BINARY
    return _ok(encoding.upper(), min(max(confidence or 0.0, 0.0), 1.0), text)


def _sample(raw: bytes) -> bytes:
    """The first lines with a non-ASCII byte, or all of a short file."""
    if len(raw) <= MAX_SAMPLE_BYTES:
        return raw
    pieces, room, position = [], MAX_SAMPLE_BYTES, 0
    while room and (found := NON_ASCII.search(raw, position)):
        before = max(found.start() - MAX_LINE_START_BYTES, 0)
        start = max(raw.rfind(b"\n", before, found.start()) + 1, before)
        position = (raw.find(b"\n", found.start(), start + room) + 1) or min(start + room, len(raw))
        pieces.append(raw[start:position])
        room -= position - start
    return b"".join(pieces)
