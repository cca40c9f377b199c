"""Packages whose files lie in archives within them: gems, conda packages, Debian packages.

Their formats say which of their members are archives; the members of those are the files of the
package. Sources: RubyGems, "Gem::Package"; conda, "conda format v2"; deb(5), ar(5).
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import islice
from typing import BinaryIO, NamedTuple

from stackspark.sources.archives.streams import open_stream
from stackspark.sources.archives.tars import tar_members
from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.limits import Limits
from stackspark.sources.base.members import CHUNK_BYTES, Member


class Package(NamedTuple):
    """Patterns of the names of all members, and of those that are archives with the files."""

    names: tuple[str, ...]
    archives: tuple[str, ...]


PACKAGES = (
    Package(("data.tar.gz", "metadata.gz", "checksums.yaml.gz", "*.sig"), ("data.tar.gz",)),
    Package(("pkg-*.tar.*", "info-*.tar.*", "metadata.json"), ("pkg-*.tar.*", "info-*.tar.*")),
    Package(("data.tar*", "control.tar*", "debian-binary", "_gpg*"), ("data.tar*",)),
)
MAX_OUTER_MEMBERS = 16
"""Members of a package; real ones have three to eight."""

AR_MAGIC = b"!<arch>\n"
AR_HEADER_BYTES = 60


def package_members(
    open_members: Callable[[], Iterator[Member]], limits: Limits
) -> Iterator[Member]:
    """Members of an archive, or the files of the package that it is.

    Args:
        open_members: begins to read the archive.
        limits: of each archive within it.
    """
    members = open_members()
    first = next(members, None)
    if first is None:
        return
    if not any(_is_any(first, known.names) for known in PACKAGES):
        yield first
        yield from members
        return
    package = _package([first, *islice(members, MAX_OUTER_MEMBERS)])
    if package is None:
        yield from open_members()
        return
    position = 0
    for outer in open_members():
        if _is_any(outer, package.archives):
            within = io.BufferedReader(_Bytes(outer), CHUNK_BYTES)
            for member in tar_members(open_stream(within, limits)):
                yield replace(member, position=position)
                position += 1


def ar_members(file: BinaryIO) -> Iterator[Member]:
    """Members of an `ar` archive, which has no names longer than 16 bytes in a package."""
    position, start = 0, len(AR_MAGIC)
    while True:
        file.seek(start)
        header = file.read(AR_HEADER_BYTES)
        if not header:
            return
        digits = header[48:58].rstrip()
        if len(header) < AR_HEADER_BYTES or header[58:] != b"`\n" or not digits.isdigit():
            raise SourceFault("corrupt_archive", f"member {position} has no header of ar")
        start += AR_HEADER_BYTES
        yield Member(
            position=position,
            name=header[:16].rstrip().removesuffix(b"/"),
            kind="file",
            mode=0,
            length_bytes=int(digits),
            chunks=_reads(file, start, int(digits)),
        )
        start += int(digits) + int(digits) % 2
        position += 1


def is_debian(file: BinaryIO) -> bool:
    """Whether an `ar` archive is a package of Debian, and no library of object files."""
    first = next(ar_members(file), None)
    return first is not None and first.name == b"debian-binary"


def _reads(file: BinaryIO, start: int, length_bytes: int) -> Callable[[], Iterator[bytes]]:
    def chunks() -> Iterator[bytes]:
        file.seek(start)
        left = length_bytes
        while left:
            data = file.read(min(left, CHUNK_BYTES))
            if not data:
                raise SourceFault("truncated_archive", "the archive ends within a member")
            left -= len(data)
            yield data

    return chunks


def _package(members: list[Member]) -> Package | None:
    """The kind of package that has all of these members, and an archive among them."""
    for package in PACKAGES:
        is_known = all(_is_any(member, package.names) for member in members)
        if is_known and any(_is_any(member, package.archives) for member in members):
            return package
    return None


def _is_any(member: Member, patterns: tuple[str, ...]) -> bool:
    name = member.name.decode("utf-8", "replace")
    return any(fnmatchcase(name, pattern) and "/" not in name for pattern in patterns)


class _Bytes(io.RawIOBase):
    """A member as a stream."""

    def __init__(self, member: Member) -> None:
        self._chunks, self._left = member.chunks(), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = chunk
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size
