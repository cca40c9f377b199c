"""Decompression as a stream: nothing is unpacked to disk, and a bomb stops at its limit.

gzip, bzip2, xz and zstd are recognised by their first bytes, never by the file's name.
"""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

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


# Magic bytes, decoder, and bytes fed to it at a time: 1 KiB of zstd is at most 32 MiB of output.
_FORMATS: tuple[tuple[bytes, Callable[[], _Decoder], int], ...] = (
    (b"\x1f\x8b", _Gzip, CHUNK_BYTES),
    (b"BZh", bz2.BZ2Decompressor, CHUNK_BYTES),
    (b"\xfd7zXZ\x00", _xz, CHUNK_BYTES),
    (b"\x28\xb5\x2f\xfd", _Zstd, 1024),
)
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

    def __init__(
        self, file: BinaryIO, new_decoder: Callable[[], _Decoder], feed_bytes: int, limits: Limits
    ) -> None:
        self._file = file
        self._new_decoder = new_decoder
        self._decoder = new_decoder()
        self._feed_bytes = feed_bytes
        self._expansion = Expansion(limits)
        self._input = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._output:
            if self._decoder.eof and not self._next_member():
                return 0
            self._output = memoryview(self._step(len(buffer)))
            self._expansion.add(len(self._output))
        size = min(len(buffer), len(self._output))
        buffer[:size] = self._output[:size]
        self._output = self._output[size:]
        return size

    def _step(self, max_length: int) -> bytes:
        data, self._input = self._input, b""
        if not data and self._decoder.needs_input:
            data = self._feed()
            if not data:
                raise SourceFault("truncated_archive", "the compressed stream ends too early")
        try:
            return self._decoder.decompress(data, max_length)
        except _ERRORS as error:
            raise SourceFault("corrupt_archive", f"decompression failed: {error}") from error

    def _feed(self) -> bytes:
        data = self._file.read(self._feed_bytes)
        self._expansion.bytes_in += len(data)
        return data

    def _next_member(self) -> bool:
        rest = self._decoder.unused_data or self._feed()
        magic = next(magic for magic, decoder, _ in _FORMATS if decoder is self._new_decoder)
        if not rest.startswith(magic):
            # Padding after the last member is usual on tapes and in signed packages.
            return False
        self._decoder = self._new_decoder()
        self._input = rest
        return True


def open_stream(file: BinaryIO, limits: Limits) -> tuple[BinaryIO, bool]:
    """Wrap a file so that reading it gives decompressed bytes.

    Returns:
        The stream, and whether it is compressed.
    """
    head = file.read(8)
    file.seek(0)
    for magic, decoder, feed_bytes in _FORMATS:
        if head.startswith(magic):
            raw = _Inflated(file, decoder, feed_bytes, limits)
            return io.BufferedReader(raw, CHUNK_BYTES), True
    return file, False
