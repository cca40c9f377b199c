"""What a reader finds in one container: its root, its files, and what cannot be used.

Readers are generators of these values; `listing.py` turns them into rows. Paths are bytes without
a leading slash, as git's trees and POSIX have them.
"""

from typing import NamedTuple


class SourceFault(Exception):  # noqa: N818, it is a finding, not an error of the user
    """Something in a container is broken or hostile; it becomes a row of `quarantine`.

    Never leaves `stackspark.sources`: `error_class` and the message are those of `quarantine`.
    """

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message


class File(NamedTuple):
    """A file below the root; `content_id` and `length_bytes` are None until the bytes are read.

    `position` is where the bytes are to be found again: the ordinal of an archive member, the
    offset in a pack; 0 where the path says it.
    """

    path: bytes
    mode: int
    content_id: str | None = None
    length_bytes: int | None = None
    position: int = 0


class Folder(NamedTuple):
    """A directory that was named or is empty: it counts in the root's id though it has no file."""

    path: bytes


class Unlisted(NamedTuple):
    """An entry such as a socket: an empty file in the root's id, as Software Heritage has it."""

    path: bytes
    mode: int


class Problem(NamedTuple):
    """An entry that is left out; `key` says which, for a person."""

    key: bytes
    error_class: str
    message: str


class Root(NamedTuple):
    """The container's root; `directory_id` is None where it is to be computed from the files.

    Dates are microseconds since 1970 in UTC, None where they do not fit a timestamp.
    """

    directory_id: str | None = None
    snapshot_id: str | None = None
    revision_id: str | None = None
    branch_name: str | None = None
    revision_date: int | None = None
    committer_date: int | None = None
    num_submodules: int = 0


Found = File | Folder | Unlisted | Problem | Root
