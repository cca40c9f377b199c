"""First step of listing: walk each container; its files are cut into units of bounded bytes."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from stackspark.sources.archives.archive import list_archive
from stackspark.sources.base.entries import (
    Entry,
    File,
    Folder,
    Problem,
    Root,
    SourceFault,
    SpecialFile,
)
from stackspark.sources.base.limits import Limits
from stackspark.sources.base.paths import display_path
from stackspark.sources.canaries import KIND as CANARIES
from stackspark.sources.canaries import list_canaries
from stackspark.sources.folders.directory import list_directory
from stackspark.sources.folders.python_env import list_distribution
from stackspark.sources.git.tree import list_git
from stackspark.sources.listing.rows import WALKED, batches
from stackspark.swhid import EMPTY_CONTENT_ID

FILE_COST_BYTES = 16 * 1024
"""Cost of opening a file, as bytes that could be read meanwhile: bounds a unit's files."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = dict[str, Any]


def walk_containers(
    containers: Iterable[pa.RecordBatch], limits: Limits, unit_bytes: int
) -> Iterator[pa.RecordBatch]:
    """Walk containers (columns of `CONTAINERS_DDL`); return rows of `rows.WALKED`."""
    rows = (
        row
        for batch in containers
        for container in batch.to_pylist()
        for row in _rows(container, limits, unit_bytes)
    )
    return batches(rows, WALKED)


def _rows(container: Row, limits: Limits, unit_bytes: int) -> Iterator[Row]:
    """Rows of a container; the head comes last, because a fault of the walk belongs to it."""
    key = f"{container['kind']}:{container['location']}@{container['ref'] or ''}"
    units = _Units(container, unit_bytes)
    head: Row = {"container": key, "row": "head", "path": b"", "about": _about(container)}
    try:
        for entry in _entries(container, limits):
            if isinstance(entry, Root):
                head["root"] = _root(entry)
            else:
                yield {"container": key, **_entry_row(entry, units)}
    except SourceFault as fault:
        head |= {"root": None, "error_class": fault.error_class, "message": fault.message}
    yield head


def _entries(container: Row, limits: Limits) -> Iterator[Entry]:
    kind, location = container["kind"], container["location"]
    if kind == "git":
        return list_git(location, container["ref"], limits)
    if kind == "archive":
        return list_archive(location, limits)
    if kind == "python-env":
        return list_distribution(location, limits)
    if kind == CANARIES:
        return list_canaries(location)
    return list_directory(location)


def _about(container: Row) -> Row:
    """Label a container by what does not depend on the machine, where there is such a name."""
    location, ref = container["location"], container["ref"]
    label = location if ref is None else f"{location}@{ref}"
    if container["kind"] == "python-env":
        label = container["repo_name"]
    columns = ("source", "origin_url", "repo_name", "visit_date")
    return {"label": label, **{column: container[column] for column in columns}}


def _entry_row(entry: File | Folder | SpecialFile | Problem, units: "_Units") -> Row:
    if isinstance(entry, File):
        return {"row": "file", "locator": units.locator(entry), **entry._asdict()}
    if isinstance(entry, Folder):
        return {"row": "folder", "path": entry.path + b"/"}
    if isinstance(entry, SpecialFile):
        return {"row": "unlisted", "content_id": EMPTY_CONTENT_ID, **entry._asdict()}
    message = f"{display_path(entry.key)}: {entry.message}"
    return {
        "row": "problem",
        "path": entry.key or b"/",
        "error_class": entry.error_class,
        "message": message,
    }


class _Units:
    """Numbers units: runs of files of bounded bytes, in the order of the walk."""

    def __init__(self, container: Row, unit_bytes: int) -> None:
        self._kind: str = container["kind"]
        self._location: str = container["location"]
        self._has_paths = self._kind in ("dir", "python-env", CANARIES)
        if self._kind == "python-env":
            self._location = str(Path(self._location).parent)
        self._unit_bytes = unit_bytes
        self._bytes = 0

    def locator(self, file: File) -> Row:
        unit = self._bytes // self._unit_bytes
        self._bytes += (file.length_bytes or 0) + FILE_COST_BYTES
        return {
            "kind": self._kind,
            "location": self._location,
            "member": file.path if self._has_paths else None,
            "position": file.position,
            "unit": unit,
        }


def _root(root: Root) -> Row:
    dates = ("revision_date", "committer_date")
    return root._asdict() | {name: _timestamp(getattr(root, name)) for name in dates}


def _timestamp(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)
