"""First step of listing: walk each container and hand out what it holds, in units of bytes."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from stackspark.sources.archives.archive import list_archive
from stackspark.sources.base.entries import (
    File,
    Folder,
    Found,
    Problem,
    Root,
    SourceFault,
    Unlisted,
)
from stackspark.sources.base.limits import Limits
from stackspark.sources.base.paths import display_path
from stackspark.sources.canaries import KIND as CANARIES
from stackspark.sources.canaries import list_canaries
from stackspark.sources.folders.directory import list_directory
from stackspark.sources.folders.python_env import list_distribution
from stackspark.sources.git.tree import list_git
from stackspark.sources.listing.rows import FOUND, batches
from stackspark.swhid import EMPTY_CONTENT_ID

FILE_COST_BYTES = 16 * 1024
"""What opening a file costs, as bytes that could be read meanwhile: bounds a unit's files."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = dict[str, Any]


def enumerate_containers(
    containers: Iterable[pa.RecordBatch], limits: Limits, unit_bytes: int
) -> Iterator[pa.RecordBatch]:
    """Walk containers (columns of `CONTAINERS_DDL`); return rows of `rows.FOUND`."""
    rows = (
        row
        for batch in containers
        for container in batch.to_pylist()
        for row in _rows(container, limits, unit_bytes)
    )
    return batches(rows, FOUND)


def _rows(container: Row, limits: Limits, unit_bytes: int) -> Iterator[Row]:
    """Hand out a container's rows; the head comes last, when its fate is known."""
    key = f"{container['kind']}:{container['location']}@{container['ref'] or ''}"
    units = _Units(container, unit_bytes)
    head = _row(key, "head", b"", about=_about(container))
    try:
        for found in _found(container, limits):
            if isinstance(found, Root):
                head["root"] = _root(found)
            else:
                yield _found_row(key, found, units)
    except SourceFault as fault:
        head |= {"root": None, "error_class": fault.error_class, "message": fault.message}
    yield head


def _found(container: Row, limits: Limits) -> Iterator[Found]:
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
    label = container["location"] if container["ref"] is None else _with_ref(container)
    if container["kind"] == "python-env":
        label = container["repo_name"]
    columns = ("source", "origin_url", "repo_name", "visit_date")
    return {"label": label, **{column: container[column] for column in columns}}


def _with_ref(container: Row) -> str:
    return f"{container['location']}@{container['ref']}"


def _row(key: str, row: str, path: bytes, **values: Any) -> Row:
    return {"container": key, "row": row, "path": path, **values}


def _found_row(key: str, found: File | Folder | Unlisted | Problem, units: "_Units") -> Row:
    if isinstance(found, File):
        return _row(
            key,
            "file",
            found.path,
            mode=found.mode,
            content_id=found.content_id,
            length_bytes=found.length_bytes,
            locator=units.locator(found),
        )
    if isinstance(found, Folder):
        return _row(key, "folder", found.path + b"/")
    if isinstance(found, Unlisted):
        return _row(key, "unlisted", found.path, mode=found.mode, content_id=EMPTY_CONTENT_ID)
    return _row(
        key,
        "problem",
        found.key or b"/",
        error_class=found.error_class,
        message=f"{display_path(found.key)}: {found.message}",
    )


class _Units:
    """Numbers runs of files of bounded bytes, in the order in which they are found."""

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
