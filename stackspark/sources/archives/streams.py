"""Decompression as a stream: nothing is unpacked to disk, and a bomb stops at its limit.

gzip, bzip2, xz, lzma and zstd are recognised by their first bytes, never by the file's name. All
members, streams and frames are read; zero bytes between and behind them are padding.
"""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple, Protocol

import zstandard

from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.limits import Limits

CHUNK_BYTES = 256 * 1024
MAX_WINDOW_BYTES = 128 * 1024 * 1024
"""Memory that an xz or zstd header may ask for; their highest ordinary levels need less."""


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib with the interface of bz2 and lzma; it checks the member's CRC."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


class _Zstd:
    """One zstd frame; its library cannot bound its output, so it is fed little at a time."""

    needs_input = True

    def __init__(self) -> None:
        decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
        self._frame = decompressor.decompressobj()

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:  # noqa: ARG002
        return self._frame.decompress(data)


def _xz() -> _Decoder:
    return lzma.LZMADecompressor(memlimit=MAX_WINDOW_BYTES)


class _Format(NamedTuple):
    """Magic bytes, decoder, and bytes fed to it at a time."""

    magic: bytes
    new_decoder: Callable[[], _Decoder]
    feed_bytes: int = CHUNK_BYTES


_ZSTD = _Format(b"\x28\xb5\x2f\xfd", _Zstd, feed_bytes=1024)
"""1 KiB of zstd is at most 32 MiB of output."""

_FORMATS = (
    _Format(b"\x1f\x8b", _Gzip),
    _Format(b"BZh", bz2.BZ2Decompressor),
    _Format(b"\xfd7zXZ\x00", _xz),
    _Format(b"\x5d\x00\x00", _xz),
    _ZSTD,
)
HEAD_BYTES = 8
"""Enough for every magic, and for the head of a skippable frame."""

_ERRORS = (zlib.error, OSError, lzma.LZMAError, zstandard.ZstdError, EOFError)


class Expansion:
    """Bytes into and out of a decompression, held to the limits."""

    def __init__(self, limits: Limits, bytes_in: int = 0) -> None:
        self.bytes_in, self._bytes_out, self._limits = bytes_in, 0, limits

    def add(self, size: int) -> None:
        """Count decompressed bytes; raise SourceFault (zip_bomb) beyond the limits."""
        self._bytes_out += size
        out, limits = self._bytes_out, self._limits
        expands = "the archive expands to more than"
        if out > limits.max_total_bytes:
            raise SourceFault("zip_bomb", f"{expands} {limits.max_total_bytes} bytes")
        if out > limits.ratio_floor_bytes and out > limits.max_ratio * max(1, self.bytes_in):
            raise SourceFault("zip_bomb", f"{expands} {limits.max_ratio:g} times its size")


class _Inflated(io.RawIOBase):
    """The decompressed bytes of a file as a raw stream; members and frames are joined."""

    def __init__(self, file: BinaryIO, kind: _Format, limits: Limits) -> None:
        self._file, self._kind = file, kind
        self._decoder: _Decoder | None = None
        self._expansion = Expansion(limits)
        self._input = b""
        self._output = memoryview(b"")
        self._is_ended = self.is_followed = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._output:
            decoder = self._next_member()
            if decoder is None:
                return 0
            self._output = memoryview(self._step(decoder, len(buffer)))
            self._expansion.add(len(self._output))
        size = min(len(buffer), len(self._output))
        buffer[:size] = self._output[:size]
        self._output = self._output[size:]
        return size

    def _step(self, decoder: _Decoder, max_length: int) -> bytes:
        data, self._input = self._input, b""
        if not data and decoder.needs_input:
            data = self._feed()
            if not data:
                raise SourceFault("truncated_archive", "the compressed stream ends too early")
        try:
            return decoder.decompress(data, max_length)
        except _ERRORS as error:
            raise SourceFault("corrupt_archive", f"decompression failed: {error}") from error

    def _feed(self) -> bytes:
        data = self._file.read(self._kind.feed_bytes)
        self._expansion.bytes_in += len(data)
        return data

    def _next_member(self) -> _Decoder | None:
        """The decoder of the member that comes next, or goes on; None behind the last one."""
        if self._is_ended or (self._decoder is not None and not self._decoder.eof):
            return None if self._is_ended else self._decoder
        rest = b"" if self._decoder is None else self._decoder.unused_data
        while rest := self._behind_padding(rest):
            if not _is_skippable(rest):
                break
            rest = self._behind_frame(rest)
        self.is_followed = bool(rest) and not rest.startswith(self._kind.magic)
        self._is_ended = not rest or self.is_followed
        if self._is_ended:
            return None
        self._input, self._decoder = rest, self._kind.new_decoder()
        return self._decoder

    def _behind_padding(self, rest: bytes) -> bytes:
        """What comes behind zero bytes, at least `HEAD_BYTES` of it where there are so many."""
        while len(rest := rest.lstrip(b"\0")) < HEAD_BYTES and (more := self._feed()):
            rest += more
        return rest

    def _behind_frame(self, rest: bytes) -> bytes:
        """What comes behind a skippable frame of zstd, such as pzstd begins each part with."""
        left = HEAD_BYTES + int.from_bytes(rest[4:HEAD_BYTES], "little")
        while left > len(rest):
            left -= len(rest)
            if not (rest := self._feed()):
                raise SourceFault("truncated_archive", "the compressed stream ends too early")
        return rest[left:]


class Stream(NamedTuple):
    """The bytes of a file, decompressed where they were compressed."""

    file: BinaryIO
    inflated: _Inflated | None = None

    @property
    def is_compressed(self) -> bool:
        """Whether the compression tells where the bytes end."""
        return self.inflated is not None

    @property
    def is_followed(self) -> bool:
        """Whether something comes behind the last member; known once all was read."""
        return self.inflated is not None and self.inflated.is_followed


def open_stream(file: "io.BufferedReader[Any]", limits: Limits) -> Stream:
    """Wrap a file so that reading it gives decompressed bytes."""
    head = file.peek(HEAD_BYTES)[:HEAD_BYTES]
    found = [kind for kind in _FORMATS if head.startswith(kind.magic)]
    found += [_ZSTD] if _is_skippable(head) else []
    if not found:
        return Stream(file)
    inflated = _Inflated(file, found[0], limits)
    return Stream(io.BufferedReader(inflated, CHUNK_BYTES), inflated)


def _is_skippable(head: bytes) -> bool:
    return len(head) >= HEAD_BYTES and head[0] & 0xF0 == 0x50 and head[1:4] == b"\x2a\x4d\x18"
