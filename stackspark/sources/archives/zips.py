"""Members of a zip archive (zip, wheel, jar, Go module), in the order of its directory."""

import copy
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from stackspark.sources.archives.streams import Expansion
from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.limits import Limits
from stackspark.sources.base.members import CHUNK_BYTES, Member

ENCRYPTED = 0x1
UTF8_NAME = 0x800
UNIX = 3
WINDOWS = (0, 10, 11, 14)
"""Systems that an archive says it was made on: FAT, NTFS by two numbers, VFAT."""

UNICODE_PATH = 0x7075
EXTRA_FIELD = struct.Struct("<2H")
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
END_RECORD = struct.Struct("<4s4H2LH")
END_RECORD_64 = struct.Struct("<4sQ2H2L4Q")
MAX_COMMENT_BYTES = 65535
MAX_MEMBER_RECORD_BYTES = 1024
"""Directory bytes per member that the limits allow for; ordinary ones take about a hundred."""

_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    OverflowError,
    RuntimeError,
)


def zip_members(file: BinaryIO, size_bytes: int, limits: Limits) -> Iterator[Member]:
    """Read the members of a zip archive.

    Raises:
        SourceFault: truncated_archive, or zip_bomb if the archive expands beyond the limits.
    """
    _check_directory(file, size_bytes, limits)
    try:
        archive = zipfile.ZipFile(file)
    except _ERRORS as error:
        raise SourceFault("corrupt_archive", f"the zip's directory is broken: {error}") from error
    expansion = Expansion(limits, size_bytes)
    with archive:
        for position, info in enumerate(archive.infolist()):
            yield _member(archive, info, position, expansion)


def _check_directory(file: BinaryIO, size_bytes: int, limits: Limits) -> None:
    """Refuse a directory that is too large before `zipfile` reads it into memory."""
    length = _directory_bytes(file, size_bytes)
    if length > limits.max_members * MAX_MEMBER_RECORD_BYTES:
        raise SourceFault("zip_bomb", f"the zip's directory alone takes {length} bytes")


def _directory_bytes(file: BinaryIO, size_bytes: int) -> int:
    start = max(0, size_bytes - END_RECORD.size - MAX_COMMENT_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + END_RECORD.size > len(tail):
        raise SourceFault("truncated_archive", "the zip has no directory at its end")
    length: int = END_RECORD.unpack_from(tail, at)[5]
    at_64 = tail.rfind(b"PK\6\6")
    if 0 <= at_64 <= len(tail) - END_RECORD_64.size:
        length = max(length, END_RECORD_64.unpack_from(tail, at_64)[8])
    return length


def _member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, position: int, expansion: Expansion
) -> Member:
    mode = info.external_attr >> 16 if info.create_system == UNIX else 0
    name = _raw_name(info)
    return Member(
        position=position,
        name=name,
        kind=_kind(name, mode),
        mode=mode,
        length_bytes=info.file_size,
        chunks=partial(_chunks, archive, info, expansion),
        problem=("encrypted", "the member is encrypted") if info.flag_bits & ENCRYPTED else None,
    )


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    """The name in its one form: in UTF-8 where the archive has that, with slashes.

    `filename` is cut at a NUL, so it is not used. Tools of Windows write backslashes, which unzip
    takes for slashes too where the archive says that it was made there.
    """
    name = info.orig_filename.encode("utf-8" if info.flag_bits & UTF8_NAME else "cp437")
    name = _unicode_name(info.extra, name) or name
    is_of_windows = info.create_system in WINDOWS and b"/" not in name
    return name.replace(b"\\", b"/") if is_of_windows else name


def _unicode_name(extra: bytes, name: bytes) -> bytes | None:
    """The name in UTF-8 that an extra field holds, if it was made for this name."""
    while len(extra) >= EXTRA_FIELD.size:
        kind, length = EXTRA_FIELD.unpack_from(extra)
        data, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == UNICODE_PATH and len(data) > 5 and data[0] == 1:
            checksum = int.from_bytes(data[1:5], "little")
            return data[5:] if checksum == zlib.crc32(name) else None
    return None


def _kind(name: bytes, mode: int) -> str:
    if name.endswith(b"/"):
        return "folder"
    file_type = stat.S_IFMT(mode)
    if file_type == stat.S_IFLNK:
        return "symlink"
    return "file" if file_type in (0, stat.S_IFREG) else "special"


def _chunks(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, expansion: Expansion
) -> Iterator[bytes]:
    try:
        with archive.open(_as_named_there(archive, info)) as member:
            while data := member.read(CHUNK_BYTES):
                expansion.add(len(data))
                yield data
    except NotImplementedError as error:
        what = f"compression method {info.compress_type} of a zip is not supported"
        raise SourceFault("unsupported_member", what) from error
    except _ERRORS as error:
        raise SourceFault("corrupt_member", f"the member cannot be read: {error}") from error


def _as_named_there(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """A member as the directory has it, by the name before its bytes, which may be another.

    Members are found by their offset; `zipfile` refuses those whose two names differ.
    """
    file = archive.fp
    assert file is not None
    file.seek(info.header_offset)
    head = file.read(LOCAL_HEADER.size)
    if len(head) < LOCAL_HEADER.size:
        return info
    name = file.read(LOCAL_HEADER.unpack(head)[-2])
    found = copy.copy(info)
    found.orig_filename = name.decode("utf-8" if info.flag_bits & UTF8_NAME else "cp437")
    return found
