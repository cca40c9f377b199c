"""A git repository on disk: its refs, their targets, and the snapshot of them all.

Only objects and refs are read: no configuration, no hook, no filter, no git program. Software
Heritage's git loader is the model for which refs belong to a snapshot.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dulwich.config import ConfigFile
from dulwich.objects import ObjectID
from dulwich.refs import HEADREF, DiskRefsContainer, Ref

from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.limits import Limits
from stackspark.sources.git.objects import GitObjects
from stackspark.swhid import SnapshotTarget, snapshot_id

SYMBOLIC = b"ref: "
SEARCH = ("{}", "refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}")
"""Where git looks for a short name of a ref, in this order."""

MAX_SYMBOLIC_STEPS = 5
MIN_ABBREVIATION = 4
TARGET_TYPES = {"commit": "revision", "tag": "release", "tree": "directory", "blob": "content"}

UNSUPPORTED = "unsupported_repository"
_EXTENSIONS: dict[bytes, tuple[bytes, ...] | None] = {
    b"objectformat": (b"sha1",),
    b"refstorage": (b"files",),
    **dict.fromkeys((b"noop", b"noop-v1", b"preciousobjects", b"partialclone")),
    **dict.fromkeys((b"worktreeconfig", b"relativeworktrees", b"compatobjectformat")),
}
"""Extensions of a repository's format, and the values that can be read; None: any."""

_UNSUPPORTED = {
    "objectformat = sha256": "has SHA-256 objects",
    "refstorage = reftable": "keeps its refs in a reftable",
}
_PACKED_REF = re.compile(rb"([0-9a-f]{40}) ([^\0]+?)[ \t]*")
OBJECT_ID = re.compile(rb"[0-9a-f]{40}")
_GENERATED_REFS = re.compile(rb"refs/(pull|merge-requests)/.*/merge|refs/(pipelines|changes)/.*")


class Resolved(NamedTuple):
    """Target of a ref: the id that it holds, and the ref's full name; None for a bare id."""

    object_id: str
    branch_name: str | None


class Repository:
    """The refs and objects of a repository on disk, bare or not, or of a linked work tree."""

    def __init__(self, location: str, limits: Limits) -> None:
        """Open the repository at a path.

        Raises:
            SourceFault: not_a_repository, or unreadable.
        """
        with _library("the repository"):
            control = control_folder(Path(location))
            common = _common_folder(control)
            _check_format(common)
            self._refs = _Refs(common, control)
            self.objects = GitObjects(common / "objects", limits.max_member_bytes)

    def close(self) -> None:
        """Unmap the packs."""
        self.objects.close()

    def ref_values(self) -> dict[bytes, bytes]:
        """Return every ref with its value: 40 hex digits, or ``ref: <other>``."""
        with _library("the refs"):
            values = {name: self._refs.read_ref(name) for name in sorted(self._refs.allkeys())}
        return {name: value for name, value in values.items() if value is not None}

    def resolve(self, ref: str) -> Resolved:
        """Resolve HEAD, a branch, a tag or a commit id (abbreviated or not) as git does.

        Raises:
            SourceFault: empty_repository, unknown_ref.
        """
        for pattern in SEARCH:
            resolved = self._follow(os.fsencode(pattern.format(ref)))
            if resolved is not None:
                return resolved
        if ref == "HEAD":
            raise self._without_head()
        if re.fullmatch(f"[0-9a-f]{{{MIN_ABBREVIATION},40}}", ref):
            matches = self.objects.matches(ref)
            if len(matches) == 1:
                return Resolved(matches.pop(), None)
            if matches:
                raise SourceFault("unknown_ref", f"{ref} abbreviates {len(matches)} objects")
        raise SourceFault("unknown_ref", f"the repository has no branch, tag or commit {ref}")

    def _follow(self, name: bytes) -> Resolved | None:
        for _ in range(MAX_SYMBOLIC_STEPS):
            with _library("the refs"):
                value = self._refs.read_ref(Ref(name))
            if value is None or not value.startswith(SYMBOLIC):
                break
            name = value[len(SYMBOLIC) :]
        if value is None or not OBJECT_ID.fullmatch(value):
            return None
        return Resolved(value.decode("ascii"), name.decode("utf-8", "backslashreplace"))

    def _without_head(self) -> SourceFault:
        if set(self.ref_values()) <= {HEADREF}:
            return SourceFault("empty_repository", "the repository has no commit")
        return SourceFault("unknown_ref", "HEAD names a branch without a commit; name a ref")

    def snapshot_id(self) -> str:
        """Compute the id of the snapshot that Software Heritage's loader would take now."""
        values = {n: v for n, v in self.ref_values().items() if not _is_generated(n)}
        branches: dict[bytes, SnapshotTarget | None] = {}
        for name, value in values.items():
            if value.startswith(SYMBOLIC):
                alias = value[len(SYMBOLIC) :]
                branches[name] = SnapshotTarget("alias", alias)
                if alias not in values:
                    branches[alias] = None
            elif (target := self._target(value)) is not None:
                branches[name] = target
        return snapshot_id(branches)

    def _target(self, value: bytes) -> SnapshotTarget | None:
        """Return the target of a ref; None for a missing object, whose ref no server offers."""
        if not OBJECT_ID.fullmatch(value):
            return None
        object_id = value.decode("ascii")
        try:
            kind = self.objects.kind(object_id)
        except SourceFault:
            return None
        return SnapshotTarget(TARGET_TYPES[kind], bytes.fromhex(object_id))


class _Refs(DiskRefsContainer):
    """Refs on disk; the packed ones are read as git reads them, whatever the first line says."""

    def get_packed_refs(self) -> dict[Ref, ObjectID]:
        path = Path(os.fsdecode(self.path), "packed-refs")
        lines = path.read_bytes().splitlines() if path.is_file() else []
        found = (_PACKED_REF.fullmatch(line) for line in lines)
        return {Ref(match[2]): ObjectID(match[1]) for match in found if match}


def _check_format(common: Path) -> None:
    """Refuse what the format of a repository says that nothing here can read, by its name.

    Source: git's gitrepository-layout(5) and technical/repository-version.
    """
    path = common / "config"
    try:
        config = ConfigFile.from_path(str(path), max_include_depth=0) if path.is_file() else None
    except ValueError:
        # What is no configuration says nothing of the format; git objects, this goes on.
        config = None
    extensions = {} if config is None else dict(config.items((b"extensions",)))
    for name, value in extensions.items():
        known = _EXTENSIONS.get(name.lower(), ())
        if known is not None and value.lower() not in known:
            shown = f"{name.decode()} = {value.decode('utf-8', 'backslashreplace')}"
            what = _UNSUPPORTED.get(shown.lower(), f"uses git's extension {shown}")
            raise SourceFault(UNSUPPORTED, f"the repository {what}, which is not supported")
    if (common / "reftable").is_dir():
        what = _UNSUPPORTED["refstorage = reftable"]
        raise SourceFault(UNSUPPORTED, f"the repository {what}, which is not supported")


def control_folder(location: Path) -> Path:
    """Return the folder that holds HEAD and refs.

    Raises:
        SourceFault: not_a_repository.
    """
    inside = location / ".git"
    if inside.is_file():
        target = inside.read_bytes().removeprefix(b"gitdir:").strip()
        inside = location / os.fsdecode(target)
    for candidate in (inside, location):
        if (candidate / "HEAD").is_file() and (_common_folder(candidate) / "objects").is_dir():
            return candidate
    raise SourceFault("not_a_repository", f"{location} is not a git repository; is dir: meant?")


@contextmanager
def _library(what: str) -> Iterator[None]:
    """Turn any error of dulwich on broken or hostile files into one fault."""
    try:
        yield
    except SourceFault:
        raise
    except Exception as error:
        raise SourceFault("unreadable", f"{what} cannot be read: {error!r}") from error


def _common_folder(control: Path) -> Path:
    pointer = control / "commondir"
    return control / pointer.read_text().strip() if pointer.is_file() else control


def _is_generated(name: bytes) -> bool:
    """Whether a forge made the ref: test merges, pipelines, histories of reviews."""
    return name.endswith(b"^{}") or _GENERATED_REFS.fullmatch(name) is not None
