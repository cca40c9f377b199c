"""git's storage: packs, loose objects and deltas.

dulwich looks ids up in a pack's index. Objects are inflated and deltas applied here, because the
library holds any object in memory, whatever size a hostile pack claims.

Source: git's gitformat-pack(5).
"""

import itertools
import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dulwich.midx import MultiPackIndex
from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.objects import RawObjectID
from dulwich.pack import PackIndex, load_pack_index

from stackspark.sources.base.entries import SourceFault

OFFSET_DELTA = 6
REFERENCE_DELTA = 7
WINDOW_BYTES = 64 * 1024


class PackedHeader(NamedTuple):
    """Header of a packed object; the `base` of a delta is an offset or an id of 20 bytes."""

    kind: int
    size: int
    data_offset: int
    base: int | bytes | None


class Pack:
    """One pack and its index; both are mapped, not read."""

    def __init__(self, path: Path, shared: MultiPackIndex | None = None) -> None:
        """Open a pack, whose index is its own or one that several packs share."""
        self.path = path
        self._index = _index(path, shared)
        with path.open("rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def offset(self, object_id: str) -> int | None:
        """Look an object up in the index."""
        try:
            return self._index.object_offset(RawObjectID(bytes.fromhex(object_id)))
        except KeyError:
            return None

    def ids(self, prefix: str) -> set[str]:
        """Return the ids that begin with some hex digits, at least two."""
        whole = bytes.fromhex(prefix[: len(prefix) // 2 * 2])
        found = {raw.hex() for raw in self._index.iter_prefix(whole)}
        return {object_id for object_id in found if object_id.startswith(prefix)}

    def close(self) -> None:
        """Unmap the pack."""
        self._index.close()
        self.data.close()

    def entry(self, offset: int) -> PackedHeader:
        """Parse the header of the object at an offset."""
        start, data = offset, self.data
        byte = data[offset]
        kind, size, shift = byte >> 4 & 7, byte & 15, 4
        while byte & 0x80:
            offset += 1
            byte = data[offset]
            size |= (byte & 0x7F) << shift
            shift += 7
        offset += 1
        if kind == OFFSET_DELTA:
            distance, offset = _distance(data, offset)
            return PackedHeader(kind, size, offset, start - distance)
        if kind == REFERENCE_DELTA:
            return PackedHeader(kind, size, offset + 20, data[offset : offset + 20])
        return PackedHeader(kind, size, offset, None)

    def inflate(self, entry: PackedHeader) -> Iterator[bytes]:
        """Inflate an object's own data, exactly as much as its header says."""
        step = min(WINDOW_BYTES, entry.size + 256)
        starts = range(entry.data_offset, len(self.data), step)
        windows = (self.data[start : start + step] for start in starts)
        return _exactly(entry.size, _inflate(windows, "a pack ends within an object"))


class _SharedIndex:
    """The part of a multi-pack index that is about one pack."""

    def __init__(self, shared: MultiPackIndex, path: Path) -> None:
        self._shared = shared
        self._names = {path.name, path.with_suffix(".idx").name}

    def object_offset(self, object_id: bytes) -> int:
        found = self._shared.object_offset(RawObjectID(object_id))
        if found is None or found[0] not in self._names:
            raise KeyError(object_id)
        return found[1]

    def iter_prefix(self, prefix: bytes) -> Iterator[bytes]:
        for object_id, name, _ in self._shared.iterentries():
            if name in self._names and object_id.startswith(prefix):
                yield object_id

    def close(self) -> None:
        """Nothing: others share it."""


def _index(path: Path, shared: MultiPackIndex | None) -> PackIndex | _SharedIndex:
    own = path.with_suffix(".idx")
    if own.is_file() or shared is None:
        return load_pack_index(own, DEFAULT_OBJECT_FORMAT)
    return _SharedIndex(shared, path)


class Loose:
    """A loose object: one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._chunks = self._inflate()
        kind, _, rest = next(self._chunks, b"").partition(b" ")
        digits, _, self._head = rest.partition(b"\0")
        if not digits.isdigit():
            raise broken_object("a loose object has no header")
        self.kind, self.size = kind.decode("latin-1"), int(digits)

    def chunks(self) -> Iterator[bytes]:
        """Yield the object's data, exactly as much as its header says."""
        return _exactly(self.size, itertools.chain((self._head,), self._chunks))

    def _inflate(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            windows = iter(lambda: file.read(WINDOW_BYTES), b"")
            yield from _inflate(windows, "a loose object is cut off")


def _inflate(windows: Iterator[bytes], cut_off: str) -> Iterator[bytes]:
    """Inflate one zlib stream in bounded chunks; `cut_off` is the fault of one without an end."""
    decoder = zlib.decompressobj()
    while not decoder.eof:
        window = decoder.unconsumed_tail or next(windows, b"")
        if not window:
            raise broken_object(cut_off)
        yield decoder.decompress(window, WINDOW_BYTES)


def _exactly(size: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield chunks of `size` bytes in all; fewer or more are a fault."""
    left = size
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise broken_object("an object is longer than its header says")
        yield chunk
    if left:
        raise broken_object("an object is shorter than its header says")


def broken_object(message: str) -> SourceFault:
    """Build the fault of an object that cannot be read."""
    return SourceFault("broken_git_object", message)


def apply_delta(base: bytes, delta: bytes, max_bytes: int) -> bytes:
    """Apply a delta in git's format; the result never grows beyond the size that it announces.

    Raises:
        SourceFault: broken_git_object, if the delta does not fit the base or its own sizes.
    """
    base_size, offset = _varint(delta, 0)
    size, offset = _varint(delta, offset)
    if base_size != len(base) or size > max_bytes:
        raise broken_object("a difference does not fit its base or is too large")
    result = bytearray()
    while offset < len(delta) and len(result) <= size:
        part, offset = _instruction(base, delta, offset)
        result += part
    if len(result) != size:
        raise broken_object("a difference does not give the size that it announces")
    return bytes(result)


def _instruction(base: bytes, delta: bytes, offset: int) -> tuple[bytes, int]:
    code = delta[offset]
    offset += 1
    if not code & 0x80:
        return delta[offset : offset + code], offset + code
    values = [0, 0]
    for bit in range(7):
        if code >> bit & 1:
            which, shift = (0, bit) if bit < 4 else (1, bit - 4)
            values[which] |= delta[offset] << 8 * shift
            offset += 1
    start, size = values[0], values[1] or 0x10000
    if start + size > len(base):
        raise broken_object("a difference copies from beyond its base")
    return base[start : start + size], offset


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, offset


def _distance(data: mmap.mmap, offset: int) -> tuple[int, int]:
    byte = data[offset]
    value = byte & 0x7F
    while byte & 0x80:
        offset += 1
        byte = data[offset]
        value = (value + 1) << 7 | byte & 0x7F
    return value, offset + 1


def result_size(pack: Pack, entry: PackedHeader) -> int:
    """Read the length of the result from the head of a delta."""
    window = pack.data[entry.data_offset : entry.data_offset + 256]
    head = zlib.decompressobj().decompress(window, 32)
    return _varint(head, _varint(head, 0)[1])[0]
