"""Third step of listing: the sorted rows of each container become origins, files and quarantine."""

import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple, cast

import pyarrow as pa

from stackspark.contracts.tables import table_contract
from stackspark.runtime.batching import value_runs
from stackspark.sources.base.entries import SourceFault
from stackspark.sources.listing.merkle import TreeHasher
from stackspark.sources.listing.rows import HASHED, LOCATOR

SPOOL_BYTES = 32 * 1024 * 1024
"""Rows of one container that are held in memory until its root's id is known; then on disk."""

CONTAINER = pa.field("container", pa.string(), nullable=False)
ORIGIN = pa.struct([CONTAINER, *table_contract("origins").fields()])
"""From `github_id` on null where the source does not tell of a repository of GitHub."""

FILE = pa.struct(
    [
        CONTAINER,
        *table_contract("files").fields("name", "extension", "blob_id"),
        pa.field("locator", LOCATOR, nullable=False),
    ]
)
QUARANTINE = pa.struct(table_contract("quarantine").fields())
LISTED = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("origin", ORIGIN),
        pa.field("file", FILE),
        pa.field("quarantine", QUARANTINE),
    ]
)
"""One row per origin, file or problem; `kind` is origin, file or quarantine."""

COLLISIONS = {
    "duplicate_member": "another entry has the same path; this one is left out of the root's id",
    "path_collision": "a file stands where this path has a folder; left out of the root's id",
}

Row = dict[str, Any]


def assemble_containers(described: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Turn rows of `rows.HASHED` into rows of `LISTED`.

    Args:
        described: all rows of a container together, sorted by path; its head first.
    """
    container: _Container | None = None
    for batch in described:
        for part in value_runs(batch, "container"):
            key = part.column("container")[0].as_py()
            if container is None or container.key != key:
                if container is not None:
                    yield from container.finish()
                container = _Container(key, part.slice(0, 1).to_pylist()[0])
                container.add(part.slice(1))
            else:
                container.add(part)
    if container is not None:
        yield from container.finish()


class TreeRow(NamedTuple):
    """Columns of a row that decide its place in the tree, or its problem."""

    row: str
    path: bytes
    mode: int
    content_id: str
    display: str
    error_class: str
    message: str


class _Container:
    """The rows of one container; files wait until the root's id is known."""

    def __init__(self, key: str, head: Row) -> None:
        self.key = key
        self._about: Row = head["about"]
        self._root: Row | None = head["root"]
        self._fault = (head["error_class"], head["message"])
        self._tree = TreeHasher()
        self._files = _Spool()
        self._num_files = 0
        self._shown: set[str] = set()
        self._problems: list[Row] = []
        self._keys: set[str] = set()

    def add(self, part: pa.RecordBatch) -> None:
        """Add rows in order of path."""
        if self._root is None:
            return
        columns = [part.column(name).to_pylist() for name in TreeRow._fields]
        kept = [self._add(TreeRow(*values)) for values in zip(*columns, strict=True)]
        files = part.filter(pa.array(kept, pa.bool_()))
        self._num_files += files.num_rows
        self._files.write(files)

    def finish(self) -> Iterator[pa.RecordBatch]:
        """Return the container's rows, now that its root is known."""
        if self._root is None:
            self._quarantine("origin", self._about["label"], *self._fault)
            yield _listed("quarantine", pa.array(self._problems, QUARANTINE))
            return
        directory_id = self._root["directory_id"] or self._tree.root_id()
        origin = {**self._about, **self._root, "container": self.key}
        origin |= {"directory_id": directory_id, "num_files": self._num_files}
        yield _listed("origin", pa.array([origin], ORIGIN))
        for files in self._files.read():
            yield _listed("file", _file_column(files, directory_id))
        if self._problems:
            yield _listed("quarantine", pa.array(self._problems, QUARANTINE))

    def _add(self, entry: TreeRow) -> bool:
        """Add one row; return whether it is a file that is listed."""
        key = self._about["label"] + entry.display
        if entry.row == "problem":
            self._quarantine("entry", key, entry.error_class, entry.message)
            return False
        blocked = self._place(entry)
        if blocked is None and entry.row == "file" and "\\x" in entry.display:
            blocked = self._show(entry.display)
        if blocked is not None:
            self._quarantine("entry", key, blocked.error_class, f"{entry.display}: {blocked}")
        return entry.row == "file" and blocked is None

    def _place(self, entry: TreeRow) -> SourceFault | None:
        if entry.row == "folder":
            error_class = self._tree.add_folder(entry.path)
        else:
            error_class = self._tree.add_file(entry.path, entry.mode, entry.content_id)
        return None if error_class is None else SourceFault(error_class, COLLISIONS[error_class])

    def _show(self, display: str) -> SourceFault | None:
        if display in self._shown:
            return SourceFault("path_collision", "another path, of other bytes, is shown like this")
        self._shown.add(display)
        return None

    def _quarantine(self, grain: str, key: str, error_class: str, message: str) -> None:
        """Add a problem; keys that would be equal get a number."""
        unique, number = key, 1
        while f"{error_class} {unique}" in self._keys:
            number += 1
            unique = f"{key} ({number})"
        self._keys.add(f"{error_class} {unique}")
        values = (self._about["source"], unique, grain, error_class, message)
        self._problems.append(dict(zip(QUARANTINE.names, values, strict=True)))


class _Spool:
    """Record batches that are read back once; in memory while they are few."""

    def __init__(self) -> None:
        self._file = cast(IO[bytes], tempfile.SpooledTemporaryFile(SPOOL_BYTES))  # noqa: SIM115
        self._writer = pa.ipc.new_stream(pa.PythonFile(self._file, "w"), HASHED)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def read(self) -> Iterator[pa.RecordBatch]:
        self._writer.close()
        self._file.seek(0)
        with self._file, pa.ipc.open_stream(pa.PythonFile(self._file, "r")) as reader:
            yield from reader


def _file_column(files: pa.RecordBatch, directory_id: str) -> pa.Array:
    arrays = []
    for field in FILE:
        if field.name == "directory_id":
            arrays.append(pa.repeat(pa.scalar(directory_id), files.num_rows))
        else:
            arrays.append(files.column("display" if field.name == "path" else field.name))
    return pa.StructArray.from_arrays(arrays, fields=list(FILE))


def _listed(kind: str, values: pa.Array) -> pa.RecordBatch:
    columns = [pa.repeat(pa.scalar(kind), len(values))]
    for field in list(LISTED)[1:]:
        columns.append(values if field.name == kind else pa.nulls(len(values), field.type))
    return pa.RecordBatch.from_arrays(columns, schema=LISTED)
