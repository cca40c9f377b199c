"""Merkle tree of a root: ids of directories from a sorted stream of files.

Sorted by bytes, with a slash after each folder's name, paths come in git's order of tree entries.
So a directory is complete when the stream leaves it, and one directory per level is open.
"""

from typing import NamedTuple

from stackspark.swhid import DIRECTORY_MODE, directory_entry, git_object_id


class _Open(NamedTuple):
    name: bytes
    manifest: bytearray
    files: set[bytes]


class TreeHasher:
    """Computes the id of a root directory; memory is that of the directories which are open.

    Source: git's tree object: entries ``<octal mode> <name>NUL<20 bytes>`` in order of name.
    """

    def __init__(self) -> None:
        self._open = [_Open(b"", bytearray(), set())]

    def add_file(self, path: bytes, mode: int, content_id: str) -> str | None:
        """Add a file; return the error class where it has no place in the tree, else None.

        Args:
            path: greater than or equal to all paths before it.
            mode: as git has it.
            content_id: sha1_git as 40 hex digits.
        """
        *folders, name = path.split(b"/")
        blocked = self._enter(folders)
        if blocked is not None:
            return blocked
        if name in self._open[-1].files:
            return "duplicate_member"
        self._open[-1].files.add(name)
        self._open[-1].manifest.extend(directory_entry(mode, name, bytes.fromhex(content_id)))
        return None

    def add_folder(self, path: bytes) -> str | None:
        """Add a folder, with or without a slash at its end; return its error class or None."""
        return self._enter(path.rstrip(b"/").split(b"/"))

    def root_id(self) -> str:
        """Close all directories and return the root's id as 40 hex digits."""
        while len(self._open) > 1:
            self._leave()
        return git_object_id("tree", bytes(self._open[0].manifest))

    def _enter(self, folders: list[bytes]) -> str | None:
        names = [level.name for level in self._open[1:]]
        shared = 0
        while shared < min(len(folders), len(names)) and folders[shared] == names[shared]:
            shared += 1
        while len(self._open) - 1 > shared:
            self._leave()
        for name in folders[shared:]:
            if name in self._open[-1].files:
                return "path_collision"
            self._open.append(_Open(name, bytearray(), set()))
        return None

    def _leave(self) -> None:
        closed = self._open.pop()
        object_id = bytes.fromhex(git_object_id("tree", bytes(closed.manifest)))
        self._open[-1].manifest.extend(directory_entry(DIRECTORY_MODE, closed.name, object_id))
