"""Tree of a git repository at a ref, without the bytes of its files.

Directory ids are git's own tree ids, even with historical modes among their entries.
"""

import re
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import NamedTuple

from stackspark.sources.base.entries import Entry, File, Problem, Root, SourceFault
from stackspark.sources.base.limits import Limits
from stackspark.sources.git.objects import GitObjects
from stackspark.sources.git.repository import OBJECT_ID, Repository
from stackspark.swhid import (
    DIRECTORY_MODE,
    EXECUTABLE_MODE,
    FILE_MODE,
    SUBMODULE_MODE,
    SYMLINK_MODE,
)

MAX_TAG_STEPS = 64
MIN_TIMESTAMP = -62135596800
MAX_TIMESTAMP = 253402300799
"""Seconds of the years 1 and 9999, the range of a timestamp column."""

FORMAT_BITS = 0o170000
"""Bits of a mode that say what an entry is; the others are permissions, and git ignores most."""

_DATE = re.compile(rb">\s*(-?[0-9]{1,19})\s+[+-][0-9]+[^>]*$")
"""As git reads it: behind the last bracket, with any blanks, and whatever follows the zone."""


class Commit(NamedTuple):
    """Tree and dates of a commit, in microseconds since 1970; None where out of range."""

    tree_id: str
    author_date: int | None
    committer_date: int | None


def list_git(location: str, ref: str, limits: Limits) -> Iterator[Entry]:
    """List the tree of the commit that a ref names; the bytes of files are not read.

    Raises:
        SourceFault: if nothing of the repository can be used.
    """
    with closing(Repository(location, limits)) as repository:
        resolved = repository.resolve(ref)
        revision_id, commit = _peel(repository.objects, resolved.object_id)
        num_submodules = yield from _walk(repository.objects, commit.tree_id, limits)
        yield Root(
            directory_id=commit.tree_id,
            snapshot_id=repository.snapshot_id(),
            revision_id=revision_id,
            branch_name=resolved.branch_name,
            revision_date=commit.author_date,
            committer_date=commit.committer_date,
            num_submodules=num_submodules,
        )


def parse_commit(data: bytes) -> Commit:
    """Parse the header of a commit.

    Raises:
        SourceFault: broken_git_object, if it names no tree.
    """
    headers: dict[bytes, bytes] = {}
    for line in data.split(b"\n\n", 1)[0].split(b"\n"):
        key, _, value = line.partition(b" ")
        headers.setdefault(key, value)
    tree = headers.get(b"tree", b"")
    if not OBJECT_ID.fullmatch(tree):
        raise SourceFault("broken_git_object", "the commit names no tree")
    dates = (_date(headers.get(key, b"")) for key in (b"author", b"committer"))
    return Commit(tree.decode("ascii"), *dates)


def parse_tree(data: bytes) -> Iterator[tuple[int, bytes, str]]:
    """Parse a tree into (mode, name, id).

    Raises:
        SourceFault: broken_git_object, if it is malformed.
    """
    offset = 0
    try:
        while offset < len(data):
            space = data.index(b" ", offset)
            nul = data.index(b"\0", space)
            if nul + 21 > len(data):
                raise ValueError("an entry is cut off")
            mode = int(data[offset:space], 8)
            yield mode, data[space + 1 : nul], data[nul + 1 : nul + 21].hex()
            offset = nul + 21
    except ValueError as error:
        raise SourceFault("broken_git_object", f"the tree is malformed: {error}") from error


def _date(person: bytes) -> int | None:
    match = _DATE.search(person)
    if match is None or not MIN_TIMESTAMP <= int(match[1]) <= MAX_TIMESTAMP:
        return None
    return int(match[1]) * 1_000_000


def _peel(objects: GitObjects, object_id: str) -> tuple[str | None, Commit]:
    """Follow annotated tags to a commit, or to a bare tree without one."""
    for _ in range(MAX_TAG_STEPS):
        kind, data = objects.read(object_id)
        if kind == "commit":
            return object_id, parse_commit(data)
        if kind == "tree":
            return None, Commit(object_id, None, None)
        if kind == "blob":
            break
        target = data.partition(b"\n")[0].removeprefix(b"object ")
        if not OBJECT_ID.fullmatch(target):
            raise SourceFault("broken_git_object", f"tag {object_id} names no object")
        object_id = target.decode("ascii")
    raise SourceFault("unknown_ref", "the ref names neither a commit nor a tree")


def _walk(objects: GitObjects, root_id: str, limits: Limits) -> Generator[Entry, None, int]:
    """List the files below a tree, depth first; return the number of submodules.

    A tree that occurs at many paths is walked at each of them, as its files are files of each. The
    limit on entries stops a tree of trees that would never end.
    """
    num_entries = num_submodules = 0
    pending: list[tuple[bytes, str]] = [(b"", root_id)]
    while pending:
        prefix, tree_id = pending.pop()
        try:
            entries = _entries(objects, tree_id)
        except SourceFault as fault:
            if not prefix:
                raise
            yield Problem(prefix, fault.error_class, fault.message)
            continue
        num_entries += 1 + len(entries)
        if num_entries > limits.max_members:
            raise SourceFault("tree_bomb", f"more than {limits.max_members} entries in the tree")
        for mode, name, object_id in entries:
            path = prefix + name
            if mode & FORMAT_BITS == SUBMODULE_MODE:
                num_submodules += 1
            elif (problem := _unusable(name, path, limits)) is not None:
                yield problem
            elif mode & FORMAT_BITS == DIRECTORY_MODE:
                pending.append((path + b"/", object_id))
            else:
                yield _file(objects, path, mode, object_id)
    return num_submodules


def _entries(objects: GitObjects, tree_id: str) -> list[tuple[int, bytes, str]]:
    kind, data = objects.read(tree_id)
    if kind != "tree":
        raise SourceFault("broken_git_object", f"object {tree_id} is a {kind}, not a tree")
    return list(parse_tree(data))


def _unusable(name: bytes, path: bytes, limits: Limits) -> Problem | None:
    if name in (b"", b".", b"..") or b"/" in name:
        return Problem(path, "unsafe_path", "git itself refuses such a name; it is left out")
    if path.count(b"/") > limits.max_depth:
        return Problem(path, "tree_bomb", f"more than {limits.max_depth} folders deep; left out")
    return None


def _file(objects: GitObjects, path: bytes, mode: int, object_id: str) -> File | Problem:
    try:
        size, offset = objects.size(object_id)
    except SourceFault as fault:
        return Problem(path, fault.error_class, fault.message)
    return File(path, _normal_mode(mode), object_id, size, offset)


def _normal_mode(mode: int) -> int:
    """Reduce git's historical modes, such as 100664, to the three that files have."""
    if mode & FORMAT_BITS == SYMLINK_MODE:
        return SYMLINK_MODE
    return EXECUTABLE_MODE if mode & 0o111 else FILE_MODE
