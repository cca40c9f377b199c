"""Members of a tar archive, read as a stream.

The standard library parses the header blocks; the walk from one to the next is done here, because
`tarfile` ends silently at a broken header and reads extended headers of any size into memory.

Source: POSIX.1-2001 pax interchange format; GNU tar's long names.
"""

import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from stackspark.sources.archives.streams import Stream
from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.members import CHUNK_BYTES, Member

BLOCK_BYTES = 512
SPARSE_GOES_ON = 504
"""Place of the byte of a block of a sparse map that says whether another one follows."""

MAX_HEADER_BYTES = 1024 * 1024
"""Extended headers hold names and dates; real ones take a few hundred bytes."""

_GLOBAL_HEADER = b"g"
_EXTENDED_HEADER = b"x"
_LONG_NAME = b"L"
_LONG_LINK = b"K"
_HEADERS = (_GLOBAL_HEADER, _EXTENDED_HEADER, _LONG_NAME, _LONG_LINK)
_KINDS = {
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "special",
    tarfile.BLKTYPE: "special",
    tarfile.FIFOTYPE: "special",
}


def tar_members(opened: Stream) -> Iterator[Member]:
    """Read the members of a tar archive in order.

    A missing end marker means that the archive was cut off; in a compressed one the compression's
    own end is the surer sign. What comes behind the end, but zero bytes, is a last member with a
    problem.

    Raises:
        SourceFault: not_an_archive, truncated_archive or corrupt_archive.
    """
    position, stream = 0, opened.file
    pending: dict[str, bytes] = {}
    lasting: dict[str, bytes] = {}
    while (header := _next_header(stream, position, not opened.is_compressed)) is not None:
        if header.type in _HEADERS:
            target = lasting if header.type == _GLOBAL_HEADER else pending
            target.update(_extension(stream, header))
            continue
        extension = {**lasting, **pending}
        body = _body(stream, header, extension)
        yield _member(header, extension, position, body)
        body.skip()
        pending.clear()
        position += 1
    # All is read, so that the compression checks its checksum.
    if _has_more(stream) or opened.is_followed:
        yield Member(
            position=position,
            name=b"behind the end",
            kind="file",
            mode=0,
            length_bytes=0,
            chunks=lambda: iter(()),
            problem=("trailing_data", "bytes follow the end of the archive; they were not read"),
        )


def _next_header(stream: BinaryIO, position: int, needs_end: bool) -> tarfile.TarInfo | None:
    block = stream.read(BLOCK_BYTES)
    if not block and position and not needs_end:
        return None
    if len(block) < BLOCK_BYTES:
        raise _broken(position, "truncated_archive", "the archive ends too early")
    if not any(block):
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        raise _broken(position, "corrupt_archive", f"member {position}: {error}") from error


def _broken(position: int, error_class: str, message: str) -> SourceFault:
    if position == 0:
        return SourceFault("not_an_archive", "the file is neither tar nor zip")
    return SourceFault(error_class, message)


def _extension(stream: BinaryIO, header: tarfile.TarInfo) -> dict[str, bytes]:
    if not 0 <= header.size <= MAX_HEADER_BYTES:
        raise SourceFault("corrupt_archive", f"an extended header claims {header.size} bytes")
    data = _exactly(stream, header.size)
    _exactly(stream, -header.size % BLOCK_BYTES)
    if header.type in (_LONG_NAME, _LONG_LINK):
        name = "path" if header.type == _LONG_NAME else "linkpath"
        return {name: data.rstrip(b"\0")}
    return _pax_records(data)


def _pax_records(data: bytes) -> dict[str, bytes]:
    records: dict[str, bytes] = {}
    while data.rstrip(b"\0"):
        digits, separator, _ = data.partition(b" ")
        size = int(digits) if digits.isdigit() and len(digits) < 9 else 0
        key, equals, value = data[len(digits) + 1 : size].partition(b"=")
        if not (separator and equals and value.endswith(b"\n") and size <= len(data)):
            raise SourceFault("corrupt_archive", "an extended header is malformed")
        records[key.decode("utf-8", "replace")] = value[:-1]
        data = data[size:]
    return records


def _member(
    header: tarfile.TarInfo, extension: dict[str, bytes], position: int, body: "_Body"
) -> Member:
    name = extension.get("GNU.sparse.name") or extension.get("path") or _raw(header.name)
    is_sparse = header.type == tarfile.GNUTYPE_SPARSE or any(
        key.startswith("GNU.sparse.") for key in extension
    )
    kind = _KINDS.get(header.type, "file")
    # Archives of before there were types of members tell folders so.
    is_folder = kind == "file" and name.endswith(b"/")
    return Member(
        position=position,
        name=name,
        kind="unsupported" if is_sparse else "folder" if is_folder else kind,
        mode=header.mode,
        length_bytes=body.length_bytes,
        chunks=body.chunks,
        link=extension.get("linkpath", _raw(header.linkname)),
    )


class _Body:
    """Bytes of the current member; unread ones can be skipped."""

    def __init__(self, stream: BinaryIO, length_bytes: int) -> None:
        self.length_bytes = length_bytes
        self._stream = stream
        self._left = length_bytes

    def chunks(self) -> Iterator[bytes]:
        while self._left:
            data = self._stream.read(min(self._left, CHUNK_BYTES))
            if not data:
                raise SourceFault("truncated_archive", "the archive ends within a member")
            self._left -= len(data)
            yield data

    def skip(self) -> None:
        for _ in self.chunks():
            pass
        _exactly(self._stream, -self.length_bytes % BLOCK_BYTES)


def _body(stream: BinaryIO, header: tarfile.TarInfo, extension: dict[str, bytes]) -> _Body:
    if header.type == tarfile.GNUTYPE_SPARSE:
        _skip_sparse_map(stream, header)
    digits = extension.get("size", b"%d" % header.size)
    if not digits.isdigit():
        raise SourceFault("corrupt_archive", f"a member claims a size of {digits!r}")
    without_data = _KINDS.get(header.type, "file") != "file"
    return _Body(stream, 0 if without_data else int(digits))


def _skip_sparse_map(stream: BinaryIO, header: tarfile.TarInfo) -> None:
    """Read the blocks behind a header in which GNU tar goes on with the map of a sparse file."""
    _, goes_on, _ = header._sparse_structs  # type: ignore[attr-defined]
    while goes_on:
        goes_on = _exactly(stream, BLOCK_BYTES)[SPARSE_GOES_ON]


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise SourceFault("truncated_archive", "the archive ends too early")
    return data


def _has_more(stream: BinaryIO) -> bool:
    """Read to the end; whether there was anything but zero bytes."""
    found = False
    while data := stream.read(CHUNK_BYTES):
        found = found or data.count(0) < len(data)
    return found
