"""Entries of one container, as its reader yields them: root, files, folders and problems.

`listing/walk.py` turns them into rows. Paths are bytes without a leading slash, as in git's trees.
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

    `position` locates the bytes: the ordinal of an archive member, the offset in a pack; 0 where
    the path does.
    """

    path: bytes
    mode: int
    content_id: str | None = None
    length_bytes: int | None = None
    position: int = 0


class Folder(NamedTuple):
    """A directory with an own entry, or an empty one: part of the root's id without a file."""

    path: bytes


class SpecialFile(NamedTuple):
    """A device, pipe or socket: an empty file in the root's id, as Software Heritage has it."""

    path: bytes
    mode: int


class Problem(NamedTuple):
    """An entry that is left out; `key` names it to a person."""

    key: bytes
    error_class: str
    message: str


class Root(NamedTuple):
    """The container's root; `directory_id` is None where listing computes it from the files.

    Dates are microseconds since 1970 in UTC, None where they do not fit a timestamp.
    """

    directory_id: str | None = None
    snapshot_id: str | None = None
    revision_id: str | None = None
    branch_name: str | None = None
    revision_date: int | None = None
    committer_date: int | None = None
    num_submodules: int = 0


Entry = File | Folder | SpecialFile | Problem | Root
