"""Archives as directories: each member is hashed from the stream, nothing is unpacked to disk.

The root is the folder that extraction fills: a single top folder stays, as it does when Software
Heritage loads a package. Faults of the whole (a bomb, a cut-off or corrupt stream) discard the
archive; faults of one member (an unsafe path, a link that leaves the root, encryption) leave it
out, and the root's id is computed without it.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stackspark import swhid
from stackspark.sources.archives.nested import (
    AR_MAGIC,
    ar_members,
    is_debian,
    package_members,
)
from stackspark.sources.archives.streams import open_stream
from stackspark.sources.archives.tars import tar_members
from stackspark.sources.archives.zips import zip_members
from stackspark.sources.base.entries import Entry, File, Folder, Problem, Root, SourceFault
from stackspark.sources.base.limits import Limits
from stackspark.sources.base.members import Member, hash_content, read_chunks
from stackspark.sources.base.paths import MAX_PATH_BYTES, link_leaves_root, member_path

_ZIP_MAGIC = (b"PK\3\4", b"PK\5\6")
_OTHER_FORMATS = {
    b"\x1f\x9d": "compressed by compress (.Z)",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"MSCF": "a cabinet",
    b"LZIP": "compressed by lzip",
    b"\x04\x22\x4d\x18": "compressed by lz4",
    b"0707": "a cpio archive",
    b"\xed\xab\xee\xdb": "an RPM package",
    b"!<ar": "an ar archive, and no package of Debian",
}


@contextmanager
def open_archive(location: str, limits: Limits) -> Iterator[Iterator[Member]]:
    """Open an archive, whose format is recognised by its bytes, and yield its members."""
    path = Path(location)
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise SourceFault("missing_file", f"there is no archive {location}") from error
    except OSError as error:
        raise SourceFault("unreadable", f"the archive cannot be opened: {error}") from error
    with file:
        yield _members(file, path.stat().st_size, limits)


def list_archive(location: str, limits: Limits) -> Iterator[Entry]:
    """List and hash the members of an archive.

    Raises:
        SourceFault: if the archive as a whole cannot be used.
    """
    listed: dict[bytes, File] = {}
    with open_archive(location, limits) as members:
        for member in members:
            if member.position >= limits.max_members:
                raise SourceFault("zip_bomb", f"more than {limits.max_members} members")
            yield from _entry(member, listed, limits)
    yield Root()


def member_bytes(member: Member) -> bytes:
    """Read a member, or a symbolic link's target, into memory."""
    if member.kind == "symlink" and member.link is not None:
        return member.link
    return read_chunks(member.chunks(), member.length_bytes)


def _members(file: io.BufferedReader, size_bytes: int, limits: Limits) -> Iterator[Member]:
    block = file.read(512)
    head, is_tar = block[:4], block[257:262] == b"ustar"
    # A zip may stand behind a start-up script, such as a self-extracting one.
    if head in _ZIP_MAGIC or (not is_tar and _is_zip(file, limits)):
        return package_members(lambda: zip_members(file, size_bytes, limits), limits)
    if block.startswith(AR_MAGIC) and is_debian(file):
        return package_members(lambda: ar_members(file), limits)
    other = next((what for magic, what in _OTHER_FORMATS.items() if head.startswith(magic)), None)
    if other is not None:
        what = f"the file is {other}, which is not supported"
        raise SourceFault("unsupported_archive", f"{what}; repack it as tar or zip")

    def members() -> Iterator[Member]:
        file.seek(0)
        return tar_members(open_stream(file, limits))

    return package_members(members, limits)


def _is_zip(file: io.BufferedReader, limits: Limits) -> bool:
    file.seek(0)
    return not open_stream(file, limits).is_compressed and zipfile.is_zipfile(file)


def _entry(member: Member, listed: dict[bytes, File], limits: Limits) -> Iterator[Entry]:
    try:
        path = member_path(member.name)
        if path.count(b"/") > limits.max_depth:
            raise SourceFault("unsafe_path", f"more than {limits.max_depth} folders deep")
        if member.kind == "folder":
            yield from [Folder(path)] if path else []
            return
        file = _file(member, path, listed)
    except SourceFault as fault:
        if fault.error_class in ("zip_bomb", "truncated_archive", "corrupt_archive"):
            raise
        key = b"%s (member %d)" % (member.name, member.position)
        yield Problem(key, fault.error_class, fault.message)
        return
    listed.setdefault(path, file)
    yield file


def _file(member: Member, path: bytes, listed: dict[bytes, File]) -> File:
    if member.problem is not None:
        raise SourceFault(*member.problem)
    if not path:
        raise SourceFault("unsafe_path", "a file is named like the root; it is left out")
    if member.kind == "symlink":
        return _symlink(member, path)
    if member.kind == "hardlink":
        return _hard_link(member, path, listed)
    if member.kind != "file":
        what = "a device, pipe or socket" if member.kind == "special" else "a sparse file"
        raise SourceFault(f"{member.kind}_file", f"{what} is not a file with bytes; left out")
    mode = swhid.EXECUTABLE_MODE if member.mode & 0o111 else swhid.FILE_MODE
    content_id = hash_content(member.chunks(), member.length_bytes)
    return File(path, mode, content_id, member.length_bytes, member.position)


def _symlink(member: Member, path: bytes) -> File:
    if member.link is None and member.length_bytes > MAX_PATH_BYTES:
        raise SourceFault("unsafe_path", f"a link's target is longer than {MAX_PATH_BYTES} bytes")
    target = member_bytes(member)
    if link_leaves_root(path, target):
        raise SourceFault("link_outside", "the link points outside the archive; it is left out")
    return File(path, swhid.SYMLINK_MODE, swhid.content_id(target), len(target), member.position)


def _hard_link(member: Member, path: bytes, listed: dict[bytes, File]) -> File:
    target = member_path(member.link or b"")
    if target not in listed:
        raise SourceFault("link_outside", "the link names no earlier member; it is left out")
    return listed[target]._replace(path=path)
