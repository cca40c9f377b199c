"""A directory on disk, as Software Heritage lists it: everything below, empty folders as well.

Nothing is ignored, `.git` included, so that the root's id is what `swh.model` computes for the same
tree. Symbolic links are recorded, never followed.
"""

import os
import stat
from collections.abc import Iterator

from stackspark.sources.base.entries import (
    Entry,
    File,
    Folder,
    Problem,
    Root,
    SourceFault,
    SpecialFile,
)
from stackspark.swhid import EXECUTABLE_MODE, FILE_MODE, SYMLINK_MODE


def list_directory(location: str) -> Iterator[Entry]:
    """List the files below a directory; their bytes are not read.

    Raises:
        SourceFault: unreadable, if the directory itself cannot be listed.
    """
    root = os.fsencode(location)
    pending = [b""]
    while pending:
        prefix = pending.pop()
        try:
            with os.scandir(os.path.join(root, prefix)) as scan:  # noqa: PTH118, bytes
                entries = list(scan)
        except OSError as error:
            if not prefix:
                raise SourceFault("unreadable", f"{location}: {error.strerror}") from error
            message = f"the folder cannot be listed ({error.strerror}); the root's id leaves it out"
            yield Problem(prefix, "unreadable", message)
            continue
        if prefix:
            yield Folder(prefix.rstrip(b"/"))
        for entry in entries:
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                pending.append(path + b"/")
            else:
                yield from _entry(entry, path)
    yield Root()


def _entry(entry: os.DirEntry[bytes], path: bytes) -> Iterator[Entry]:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        yield Problem(path, "unreadable", f"the file cannot be seen: {error.strerror}")
        return
    mode = file_mode(status.st_mode)
    if stat.S_ISREG(status.st_mode) or mode == SYMLINK_MODE:
        yield File(path, mode, None, status.st_size)
        return
    yield SpecialFile(path, mode)
    message = "a device, pipe or socket has no bytes; it counts as an empty file in the root's id"
    yield Problem(path, "special_file", message)


def file_mode(mode: int) -> int:
    """Return the git mode for a mode of `stat`: a file is executable if anyone may execute it."""
    if stat.S_ISLNK(mode):
        return SYMLINK_MODE
    return EXECUTABLE_MODE if mode & 0o111 else FILE_MODE
