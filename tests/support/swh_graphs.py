"""Graph exports for tests: tables written as ORC by the published schema, and a slow walk of them.

Sources: the export's schema as Software Heritage documents it; `swh.export` writes the same.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import orc

TIME = pa.timestamp("us")
SCHEMAS = {
    "origin": {"id": pa.string(), "url": pa.string()},
    "origin_visit": {
        "origin": pa.string(),
        "visit": pa.int64(),
        "date": TIME,
        "type": pa.string(),
    },
    "origin_visit_status": {
        "origin": pa.string(),
        "visit": pa.int64(),
        "date": TIME,
        "status": pa.string(),
        "snapshot": pa.string(),
        "type": pa.string(),
    },
    "snapshot": {"id": pa.string()},
    "snapshot_branch": {
        "snapshot_id": pa.string(),
        "name": pa.binary(),
        "target": pa.string(),
        "target_type": pa.string(),
    },
    "release": {
        "id": pa.string(),
        "name": pa.binary(),
        "target": pa.string(),
        "target_type": pa.string(),
        "date": TIME,
    },
    "revision": {
        "id": pa.string(),
        "date": TIME,
        "committer_date": TIME,
        "directory": pa.string(),
        "type": pa.string(),
    },
    "directory": {"id": pa.string()},
    "directory_entry": {
        "directory_id": pa.string(),
        "name": pa.binary(),
        "type": pa.string(),
        "target": pa.string(),
        "perms": pa.int32(),
    },
    "content": {
        "sha1": pa.string(),
        "sha1_git": pa.string(),
        "length": pa.int64(),
        "status": pa.string(),
    },
    "skipped_content": {
        "sha1": pa.string(),
        "sha1_git": pa.string(),
        "length": pa.int64(),
        "status": pa.string(),
        "reason": pa.string(),
    },
}

Rows = Mapping[str, Sequence[tuple[Any, ...]]]


class Entry(NamedTuple):
    """A row of `directory_entry` without the directory."""

    name: bytes
    type: str
    target: str
    perms: int


class Content(NamedTuple):
    """A row of `content` or `skipped_content`; of the latter the status is skipped."""

    blob_id: str | None
    content_id: str
    length_bytes: int
    status: str


class Found(NamedTuple):
    """What a walk finds below a root; `fault` is set where nothing of it is listed."""

    files: set[tuple[bytes, int, str, int]]
    problems: set[tuple[bytes, str]]
    num_submodules: int
    fault: str | None


def oid(text: str) -> str:
    """A made-up id, the same for the same text."""
    return hashlib.sha1(text.encode()).hexdigest()


def write_graph(folder: Path, rows: Rows, renamed: Mapping[str, str] | None = None) -> Path:
    """Write the tables below ``graph/orc``, each in two files; one without rows gets no file."""
    for table, schema in SCHEMAS.items():
        place = folder / "graph" / "orc" / table
        place.mkdir(parents=True)
        for part in (0, 1):
            given = list(rows.get(table, ()))[part::2]
            if given:
                columns = [
                    pa.array(column, kind)
                    for column, kind in zip(zip(*given, strict=True), schema.values(), strict=True)
                ]
                names = [(renamed or {}).get(f"{table}.{name}", name) for name in schema]
                orc.write_table(
                    pa.table(columns, names=names), place / f"{part}.orc", compression="zstd"
                )
    return folder


def reference_walk(
    root: str,
    entries: Mapping[str, Sequence[Entry]],
    contents: Mapping[str, Content],
    max_levels: int,
    max_members: int,
) -> Found:
    """Walk a root by hand, at every path that a directory has."""
    files: set[tuple[bytes, int, str, int]] = set()
    problems: set[tuple[bytes, str]] = set()
    num_entries = num_submodules = 0
    if not entries.get(root) and root != oid_of_empty():
        return Found(set(), set(), 0, "missing_directory")
    pending: list[tuple[bytes, str, tuple[str, ...]]] = [(b"", root, ())]
    while pending:
        prefix, directory, above = pending.pop()
        if directory == oid_of_empty():
            continue
        if directory in above:
            problems.add((prefix, "directory_cycle"))
            continue
        if len(above) == max_levels:
            problems.add((prefix, "tree_bomb"))
            continue
        if not entries.get(directory):
            problems.add((prefix, "missing_directory"))
            continue
        num_entries += 1 + len(entries[directory])
        if num_entries > max_members:
            return Found(set(), set(), 0, "tree_bomb")
        num_submodules += sum(entry.type == "rev" for entry in entries[directory])
        for entry in entries[directory]:
            path = prefix + entry.name
            if entry.type == "dir" and is_usable(entry.name):
                pending.append((path + b"/", entry.target, (*above, directory)))
            elif entry.type != "rev":
                fault = fault_of(entry, contents)
                if fault:
                    problems.add((path, fault))
                else:
                    length = contents[entry.target].length_bytes
                    files.add((path, mode_of(entry.perms), entry.target, length))
    return Found(files, problems, num_submodules, None)


def oid_of_empty() -> str:
    return hashlib.sha1(b"tree 0\0").hexdigest()


def is_usable(name: bytes) -> bool:
    return name not in (b"", b".", b"..") and b"/" not in name and b"\0" not in name


def fault_of(entry: Entry, contents: Mapping[str, Content]) -> str | None:
    if entry.type not in ("file", "dir"):
        return "unknown_entry"
    if not is_usable(entry.name):
        return "unsafe_path"
    content = contents.get(entry.target)
    if content is None:
        return "missing_content"
    if content.status not in ("visible", "skipped"):
        return "hidden_content"
    return None if content.blob_id else "skipped_content"


def mode_of(perms: int) -> int:
    if perms == 0o120000:
        return perms
    return 0o100755 if perms & 0o111 else 0o100644


def entry_rows(entries: Mapping[str, Sequence[Entry]]) -> Iterator[tuple[Any, ...]]:
    for directory, listed in entries.items():
        yield from ((directory, *entry) for entry in listed)
