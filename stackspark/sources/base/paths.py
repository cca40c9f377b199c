"""Paths as bytes: their text, and checks of the names and links of archive members."""

import re

from stackspark.sources.base.entries import SourceFault

MAX_PATH_BYTES = 4096
"""PATH_MAX of Linux: a longer path cannot be a file of a working tree."""

_DRIVE = re.compile(rb"[A-Za-z]:")


def display_path(path: bytes) -> str:
    r"""Show a path with its leading slash; bytes that are not UTF-8 become ``\xhh``."""
    return "/" + path.decode("utf-8", "backslashreplace")


def exact_path(path: bytes) -> bytes | None:
    """Return the exact bytes, with the leading slash, of a path that is not UTF-8; else None."""
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        return b"/" + path
    return None


def member_path(name: bytes) -> bytes:
    """Normalise the name of an archive member to a path below the root; empty for the root itself.

    Raises:
        SourceFault: unsafe_path, if the name is absolute, leaves the root, names a drive, holds a
            NUL or is too long.
    """
    reason = _unsafe(name)
    if reason is not None:
        raise SourceFault("unsafe_path", f"the name {reason}; the member is left out")
    return b"/".join(part for part in name.split(b"/") if part not in (b"", b"."))


def link_leaves_root(path: bytes, target: bytes) -> bool:
    """Whether a symbolic link at `path` with this target points outside the root."""
    if target.startswith((b"/", b"\\")) or _DRIVE.match(target):
        return True
    depth = path.count(b"/")
    for part in target.split(b"/"):
        depth += -1 if part == b".." else part not in (b"", b".")
        if depth < 0:
            return True
    return False


def _unsafe(name: bytes) -> str | None:
    if not name:
        return "is empty"
    if b"\0" in name:
        return "holds a NUL"
    if name.startswith((b"/", b"\\")) or _DRIVE.match(name):
        return "is absolute"
    if b".." in re.split(rb"[/\\]", name):
        return "leaves the archive with '..'"
    if len(name) > MAX_PATH_BYTES:
        return f"is longer than {MAX_PATH_BYTES} bytes"
    return None
