"""One member of an archive, whatever the format: what tar and zip readers hand over."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stackspark.sources.base.entries import SourceFault
from stackspark.swhid import git_header

CHUNK_BYTES = 1024 * 1024


Chunks = Callable[[], Iterator[bytes]]
"""Hands out a member's bytes, a chunk at a time; valid until the next member is asked for."""


@dataclass(frozen=True)
class Member:
    """A member as its header describes it.

    `kind` is file, folder, symlink, hardlink, special or unsupported; `link` is the target of a
    tar link; `problem` holds class and message of a fault that the header alone shows.
    """

    position: int
    name: bytes
    kind: str
    mode: int
    length_bytes: int
    chunks: Chunks
    link: bytes | None = None
    problem: tuple[str, str] | None = None


@dataclass(frozen=True)
class Hashes:
    """Both hashes of some bytes, as hex digits."""

    content_id: str
    blob_id: str


def hash_content(chunks: Iterator[bytes], length_bytes: int) -> str:
    """Compute the content_id of bytes of a length that is known beforehand, without holding them.

    Raises:
        SourceFault: corrupt_member, if there are more or fewer bytes than that.
    """
    git = hashlib.sha1(git_header("blob", length_bytes), usedforsecurity=False)
    _update(chunks, length_bytes, git.update)
    return git.hexdigest()


def hash_both(chunks: Iterator[bytes], length_bytes: int) -> Hashes:
    """Compute both ids of bytes of a length that is known beforehand, without holding them.

    Raises:
        SourceFault: corrupt_member, if there are more or fewer bytes than that.
    """
    git = hashlib.sha1(git_header("blob", length_bytes), usedforsecurity=False)
    plain = hashlib.sha1(usedforsecurity=False)
    _update(chunks, length_bytes, git.update, plain.update)
    return Hashes(git.hexdigest(), plain.hexdigest())


def _update(
    chunks: Iterator[bytes], length_bytes: int, *updates: Callable[[bytes], object]
) -> None:
    found = 0
    for chunk in chunks:
        for update in updates:
            update(chunk)
        found += len(chunk)
        if found > length_bytes:
            break
    if found != length_bytes:
        raise _wrong_length(length_bytes, found)


def read_chunks(chunks: Iterator[bytes], length_bytes: int) -> bytes:
    """Read bytes of a length that is known beforehand into memory.

    Raises:
        SourceFault: corrupt_member, if there are more or fewer bytes than that.
    """
    parts: list[bytes] = []
    found = 0
    for chunk in chunks:
        parts.append(chunk)
        found += len(chunk)
        if found > length_bytes:
            break
    if found != length_bytes:
        raise _wrong_length(length_bytes, found)
    return b"".join(parts)


def _wrong_length(expected: int, found: int) -> SourceFault:
    more = "more" if found > expected else f"only {found}"
    return SourceFault("corrupt_member", f"{expected} bytes were announced and {more} found")
