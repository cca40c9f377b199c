"""Pointers of Git LFS: small texts that stand for a file which is stored elsewhere.

Source: Git LFS, docs/spec.md, "The Pointer"; versions of before it were named so are read too.
"""

import re

MAX_POINTER_BYTES = 1024

_VERSION = rb"version (?:https://(?:git-lfs|hawser)\.github\.com/spec/v1|http://git-media\.io/v/2)"
_LINE = rb"(?:\r?\n[a-z0-9.-]+ [^\r\n]+)*"
_POINTER = re.compile(
    _VERSION + _LINE + rb"\r?\noid sha256:[0-9a-f]{64}" + _LINE + rb"\r?\nsize [0-9]+" + _LINE
)


def is_lfs_pointer(raw: bytes) -> bool:
    """Whether some bytes are a pointer; blanks around it and line ends of Windows do not matter."""
    return (
        len(raw) <= MAX_POINTER_BYTES
        and raw.lstrip()[:8] == b"version "
        and _POINTER.fullmatch(raw.strip()) is not None
    )
