"""Second step of listing: hash the files whose bytes the walk did not read; describe all paths."""

import os
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from stackspark.languages.linguist import path_flags
from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.local_files import open_file
from stackspark.sources.base.members import hash_content
from stackspark.sources.base.paths import display_path, exact_path
from stackspark.sources.listing.rows import HASHED, replace_columns

Columns = dict[str, list[Any]]

HASHED_COLUMNS = ("row", "content_id", "length_bytes", "error_class", "message")
FLAGS = ("is_vendor", "is_documentation", "is_generated_path", "is_configuration")


def hash_files(walked: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Hash files on disk and describe paths: rows of `rows.WALKED` to rows of `rows.HASHED`.

    A file that cannot be read becomes a row `problem`.
    """
    for batch in walked:
        columns = {name: batch.column(name).to_pylist() for name in (*HASHED_COLUMNS, "path")}
        for index, locator in enumerate(batch.column("locator").to_pylist()):
            if columns["row"][index] == "file" and columns["content_id"][index] is None:
                _hash(columns, index, locator)
        yield replace_columns(batch, columns | _descriptions(columns), HASHED)


def _hash(columns: Columns, index: int, locator: dict[str, Any]) -> None:
    try:
        follow = locator["kind"] == "python-env"
        with open_file(os.fsencode(locator["location"]), locator["member"], follow=follow) as file:
            columns["content_id"][index] = hash_content(file.chunks, file.length_bytes)
            columns["length_bytes"][index] = file.length_bytes
    except SourceFault as fault:
        columns["row"][index] = "problem"
        columns["error_class"][index] = fault.error_class
        columns["message"][index] = f"{display_path(columns['path'][index])}: {fault.message}"


def _descriptions(columns: Columns) -> Columns:
    described: Columns = {name: [] for name in ("display", "path_bytes", *FLAGS)}
    for row, path in zip(columns["row"], columns["path"], strict=True):
        display = display_path(path)
        flags = path_flags(display) if row == "file" else None
        described["display"].append(display)
        described["path_bytes"].append(exact_path(path))
        for name in FLAGS:
            described[name].append(None if flags is None else getattr(flags, name))
    return described
