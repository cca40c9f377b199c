"""Members of archives of any format, and hashes of bytes whose length is known beforehand."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from stackspark.sources.base.entries import SourceFault
from stackspark.swhid import git_header

CHUNK_BYTES = 1024 * 1024


Chunks = Callable[[], Iterator[bytes]]
"""Yields a member's bytes, a chunk at a time; valid until the next member is read."""


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


class Hashes(NamedTuple):
    """Both hashes of some bytes, as hex digits."""

    content_id: str
    blob_id: str


def hash_content(chunks: Iterator[bytes], length_bytes: int) -> str:
    """Compute the content_id of bytes of a known length, without holding them.

    Raises:
        SourceFault: corrupt_member, if there are more or fewer bytes than that.
    """
    git = hashlib.sha1(git_header("blob", length_bytes), usedforsecurity=False)
    _consume(chunks, length_bytes, git.update)
    return git.hexdigest()


def hash_both(chunks: Iterator[bytes], length_bytes: int) -> Hashes:
    """Compute both ids of bytes of a known length, without holding them.

    Raises:
        SourceFault: corrupt_member, if there are more or fewer bytes than that.
    """
    git = hashlib.sha1(git_header("blob", length_bytes), usedforsecurity=False)
    plain = hashlib.sha1(usedforsecurity=False)
    _consume(chunks, length_bytes, git.update, plain.update)
    return Hashes(git.hexdigest(), plain.hexdigest())


def read_chunks(chunks: Iterator[bytes], length_bytes: int) -> bytes:
    """Read bytes of a known length into memory.

    Raises:
        SourceFault: corrupt_member, if there are more or fewer bytes than that.
    """
    parts: list[bytes] = []
    _consume(chunks, length_bytes, parts.append)
    return b"".join(parts)


def _consume(
    chunks: Iterator[bytes], length_bytes: int, *consumers: Callable[[bytes], object]
) -> None:
    found = 0
    for chunk in chunks:
        for consume in consumers:
            consume(chunk)
        found += len(chunk)
        if found > length_bytes:
            break
    if found != length_bytes:
        more = "more" if found > length_bytes else f"only {found}"
        message = f"{length_bytes} bytes were announced and {more} found"
        raise SourceFault("corrupt_member", message)
