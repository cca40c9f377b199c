"""Files on disk, opened safely: only regular files and the targets of links are read."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.members import CHUNK_BYTES


class OpenFile(NamedTuple):
    """Length and chunks of the bytes of an open file."""

    length_bytes: int
    chunks: Iterator[bytes]


@contextmanager
def open_file(folder: bytes, path: bytes, *, follow: bool) -> Iterator[OpenFile]:
    """Open a file below a folder; the bytes of a link that is not followed are its target's name.

    Raises:
        SourceFault: unreadable, or changed_file where it grew or shrank while it was read.
    """
    full = folder + b"/" + path
    try:
        if not follow and stat.S_ISLNK(os.lstat(full).st_mode):
            target = os.readlink(full)  # noqa: PTH115, bytes
            yield OpenFile(len(target), iter((target,)))
            return
        # Without O_NONBLOCK a pipe that took the file's place would block for ever.
        flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
        descriptor = os.open(full, flags)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise SourceFault("unreadable", "it is no longer a regular file")
            yield OpenFile(status.st_size, iter(lambda: file.read(CHUNK_BYTES), b""))
    except FileNotFoundError as error:
        raise SourceFault("missing_file", "the file is no longer there") from error
    except OSError as error:
        raise SourceFault("unreadable", f"the file cannot be read: {error.strerror}") from error
    except SourceFault as fault:
        if fault.error_class != "corrupt_member":
            raise
        raise SourceFault("changed_file", f"it changed while it was read: {fault}") from fault
