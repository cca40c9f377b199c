"""Software Heritage identifiers: the hashes and the SWHIDs that are written with them.

A SWHID names an object by its content: ``swh:1:<type>:<40 hex digits>``; the digits are what git
computes for the same blob, tree or commit. Qualifiers say where the object was seen.

Source: SWHID specification, version 1 (ISO/IEC 18670).
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes

from stackspark.errors import UsageError

EMPTY_CONTENT_ID = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
EMPTY_DIRECTORY_ID = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

FILE_MODE = 0o100644
EXECUTABLE_MODE = 0o100755
SYMLINK_MODE = 0o120000
DIRECTORY_MODE = 0o040000
SUBMODULE_MODE = 0o160000

OBJECT_TYPES = ("cnt", "dir", "rev", "rel", "snp")
ANCHOR_TYPES = ("dir", "rev", "rel", "snp")
QUALIFIERS = ("origin", "visit", "anchor", "path", "lines")
"""Names of the qualifiers in canonical order."""

_CORE = re.compile(r"swh:1:([a-z]+):([0-9a-f]{40})")
_LINES = re.compile(r"([1-9][0-9]*)(?:-([1-9][0-9]*))?")


@dataclass(frozen=True)
class SnapshotTarget:
    """Target of a branch of a snapshot.

    `target_type` is content, directory, revision, release, snapshot or alias; `target` is the
    object's 20 bytes, or the name of the other branch where it is an alias.
    """

    target_type: str
    target: bytes


@dataclass(frozen=True)
class SWHID:
    """A core identifier; `object_type` is cnt, dir, rev, rel or snp, `object_id` 40 hex digits."""

    object_type: str
    object_id: str

    def __post_init__(self) -> None:
        if self.object_type not in OBJECT_TYPES:
            types = ", ".join(OBJECT_TYPES)
            raise UsageError(f"a SWHID's type is one of {types}; found {self.object_type!r}")
        if not re.fullmatch("[0-9a-f]{40}", self.object_id):
            found = f"found {self.object_id!r}"
            raise UsageError(f"a SWHID ends in 40 lower-case hex digits; {found}")

    def __str__(self) -> str:
        return f"swh:1:{self.object_type}:{self.object_id}"


@dataclass(frozen=True, kw_only=True)
class QualifiedSWHID:
    """An identifier with its context; `path` is absolute from the anchor's root, in bytes."""

    core: SWHID
    origin: str | None = None
    visit: SWHID | None = None
    anchor: SWHID | None = None
    path: bytes | None = None
    lines: tuple[int, int | None] | None = None

    def __post_init__(self) -> None:
        if self.visit is not None and self.visit.object_type != "snp":
            raise UsageError(f"qualifier visit names a snapshot; found {self.visit}")
        if self.anchor is not None and self.anchor.object_type not in ANCHOR_TYPES:
            raise UsageError(f"qualifier anchor cannot name a content; found {self.anchor}")
        if self.path is not None and not self.path.startswith(b"/"):
            raise UsageError(f"qualifier path starts with a slash; found {self.path!r}")

    def __str__(self) -> str:
        values = {
            "origin": None if self.origin is None else _escape(self.origin),
            "visit": self.visit,
            "anchor": self.anchor,
            "path": None if self.path is None else quote_from_bytes(self.path),
            "lines": None if self.lines is None else _format_lines(self.lines),
        }
        present = [f";{name}={value}" for name, value in values.items() if value is not None]
        return str(self.core) + "".join(present)


def parse_swhid(text: str) -> SWHID:
    """Parse a core identifier such as ``swh:1:cnt:<40 hex digits>``.

    Raises:
        UsageError: if it is none, or carries qualifiers.
    """
    match = _CORE.fullmatch(text)
    if match is None:
        shape = "swh:1:<cnt|dir|rev|rel|snp>:<40 lower-case hex digits>"
        raise UsageError(f"a SWHID reads {shape}; found {text!r}")
    return SWHID(match[1], match[2])


def parse_qualified_swhid(text: str) -> QualifiedSWHID:
    """Parse an identifier with qualifiers, in any order.

    Raises:
        UsageError: if the core or a qualifier is malformed, unknown or given twice.
    """
    core, *parts = text.split(";")
    values: dict[str, str] = {}
    for part in parts:
        name, separator, value = part.partition("=")
        if name not in QUALIFIERS or not separator or name in values:
            known = ", ".join(QUALIFIERS)
            raise UsageError(f"qualifiers of a SWHID are {known}, each once; found {part!r}")
        values[name] = value
    return QualifiedSWHID(
        core=parse_swhid(core),
        origin=unquote(values["origin"]) if "origin" in values else None,
        visit=parse_swhid(values["visit"]) if "visit" in values else None,
        anchor=parse_swhid(values["anchor"]) if "anchor" in values else None,
        path=unquote_to_bytes(values["path"]) if "path" in values else None,
        lines=_parse_lines(values["lines"]) if "lines" in values else None,
    )


def git_header(object_type: str, length_bytes: int) -> bytes:
    """Bytes that git puts before an object's own to hash it: ``<type> <length>NUL``."""
    return f"{object_type} {length_bytes}\0".encode("ascii")


def git_object_id(object_type: str, data: bytes) -> str:
    """Compute sha1_git of an object; `object_type` is blob, tree, commit, tag or snapshot."""
    digest = hashlib.sha1(git_header(object_type, len(data)), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


def content_id(data: bytes) -> str:
    """Compute sha1_git of a file's bytes, the digits of its ``swh:1:cnt``."""
    return git_object_id("blob", data)


def blob_id(data: bytes) -> str:
    """Compute the plain SHA-1 of a file's bytes, the key of Software Heritage's object storage."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def directory_entry(mode: int, name: bytes, object_id: bytes) -> bytes:
    """Serialise one entry of a directory: ``<octal mode> <name>NUL<20 bytes>``."""
    return b"%o %s\0%s" % (mode, name, object_id)


def directory_id(entries: Iterable[tuple[int, bytes, bytes]]) -> str:
    """Compute sha1_git of a directory, equal to git's tree id.

    Args:
        entries: (mode, name, id of 20 bytes) in any order; a directory's name sorts as if it
            ended in a slash.
    """
    ordered = sorted(
        entries, key=lambda entry: entry[1] + (b"/" if entry[0] == DIRECTORY_MODE else b"")
    )
    return git_object_id("tree", b"".join(directory_entry(*entry) for entry in ordered))


def revision_id(manifest: bytes) -> str:
    """Compute the id of a commit from its bytes as git stores them."""
    return git_object_id("commit", manifest)


def snapshot_id(branches: Mapping[bytes, SnapshotTarget | None]) -> str:
    """Compute the id of a snapshot.

    Args:
        branches: branch name to target; None where the branch dangles.
    Source: each branch, in the order of its name's bytes, is
        ``<type> <name>NUL<length of target>:<target>``, hashed as a git object `snapshot`.
    """
    return git_object_id(
        "snapshot", b"".join(_branch(name, branches[name]) for name in sorted(branches))
    )


def _branch(name: bytes, target: SnapshotTarget | None) -> bytes:
    if target is None:
        return b"dangling %s\x000:" % name
    kind = target.target_type.encode("ascii")
    return b"%s %s\0%d:%s" % (kind, name, len(target.target), target.target)


def _escape(origin: str) -> str:
    return origin.replace("%", "%25").replace(";", "%3B")


def _format_lines(lines: tuple[int, int | None]) -> str:
    first, last = lines
    return str(first) if last is None else f"{first}-{last}"


def _parse_lines(text: str) -> tuple[int, int | None]:
    match = _LINES.fullmatch(text)
    if match is None:
        raise UsageError(f"qualifier lines reads <n> or <n>-<m>, from 1; found {text!r}")
    return int(match[1]), None if match[2] is None else int(match[2])
