"""Rows between the steps of listing, as Arrow; and builders of such rows.

One table carries heads (one per container), files, folders and problems, so that each step is one
pass over one table.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")
BATCH_ROWS = 4096

LOCATOR = pa.struct(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("location", pa.string(), nullable=False),
        pa.field("member", pa.binary()),
        pa.field("position", pa.int64(), nullable=False),
        pa.field("unit", pa.int32(), nullable=False),
    ]
)
"""Place of a file's bytes: the container, its member, and the unit of work that it is in.

`location` is the repository, folder or archive; `member` the path below a folder; `position` the
ordinal of an archive's member or the offset in a pack. Units are runs of members of bounded bytes.
For a content in a store (`swh_contents.content_locator`), `member` is the SHA-1 in hex, `position`
the length and `unit` the first 16 bits of the SHA-1.
"""

ROOT = pa.struct(
    [
        pa.field("directory_id", pa.string()),
        pa.field("snapshot_id", pa.string()),
        pa.field("revision_id", pa.string()),
        pa.field("branch_name", pa.string()),
        pa.field("revision_date", TIMESTAMP),
        pa.field("committer_date", TIMESTAMP),
        pa.field("num_submodules", pa.int64(), nullable=False),
    ]
)
"""A root as its reader yields it; see `entries.Root`."""

CONTAINER = pa.struct(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("origin_url", pa.string(), nullable=False),
        pa.field("repo_name", pa.string(), nullable=False),
        pa.field("visit_date", TIMESTAMP),
    ]
)
"""A container as known before the walk; `label` begins the keys of its quarantine rows."""

WALKED = pa.schema(
    [
        pa.field("container", pa.string(), nullable=False),
        pa.field("row", pa.string(), nullable=False),
        pa.field("path", pa.binary(), nullable=False),
        pa.field("mode", pa.int32()),
        pa.field("content_id", pa.string()),
        pa.field("length_bytes", pa.int64()),
        pa.field("locator", LOCATOR),
        pa.field("error_class", pa.string()),
        pa.field("message", pa.string()),
        pa.field("about", CONTAINER),
        pa.field("root", ROOT),
    ]
)
"""`row` is head, file, folder, unlisted or problem.

A head has an empty path, so that it sorts before the files of its container; its `root` is null,
and its error says why, where nothing of the container can be used. A folder's path ends in a slash,
so that a sort by bytes is git's order of tree entries.
"""

HASHED = pa.schema(
    [
        *WALKED,
        pa.field("display", pa.string()),
        pa.field("path_bytes", pa.binary()),
        pa.field("is_vendor", pa.bool_()),
        pa.field("is_documentation", pa.bool_()),
        pa.field("is_generated_path", pa.bool_()),
        pa.field("is_configuration", pa.bool_()),
    ]
)
"""Walked rows after their files were hashed and their paths described."""


def batches(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Collect rows into record batches of `BATCH_ROWS`."""
    held: list[dict[str, Any]] = []
    for row in rows:
        held.append(row)
        if len(held) == BATCH_ROWS:
            yield pa.RecordBatch.from_pylist(held, schema)
            held = []
    if held:
        yield pa.RecordBatch.from_pylist(held, schema)


def replace_columns(
    batch: pa.RecordBatch, columns: dict[str, Sequence[Any]], schema: pa.Schema
) -> pa.RecordBatch:
    """Return the batch with some columns replaced or added, in the order of the schema."""
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else batch.column(field.name)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
