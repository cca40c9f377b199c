"""Published identifiers of The Stack v2: Parquet of files or repositories, without contents.

`stack-v2` is the layout of the-stack-v2 and its deduplicated copy, `stack-v2-ids` that of
the-stack-v2-train: a row per repository with its files.
"""

from itertools import chain

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract
from stackspark.errors import InputError
from stackspark.runtime.storage.filesystems import files_at, joined, located

_NOT_PUBLISHED = {"origin_url", "source", "num_files", "num_submodules"}
ORIGIN = {"repo_url": "string"} | {
    column.name: column.data_type
    for column in table_contract("origins").columns
    if column.name not in _NOT_PUBLISHED
}
"""Columns of a repository; a layout has some of them, the others are null."""

PARQUET = ".parquet"
CONTENTS = "content"
"""Folder of an archive's contents, as Software Heritage names it."""

FILE = ("blob_id", "path", "content_id", "length_bytes")
NEEDED = {
    "stack-v2": {"repo_name", "directory_id", *FILE},
    "stack-v2-ids": {"repo_name", "directory_id", "files"},
}


def check_stack_v2(location: str, kind: str) -> str:
    """Check that a folder or file of Parquet has the columns of a layout, by one footer.

    Returns:
        The location.
    Raises:
        InputError: if there is no Parquet, or a column is missing.
    """
    try:
        filesystem = located(location)[0]
        files = chain.from_iterable(map(files_at, _index_paths(location)))
        paths = sorted(file.path for file in files if file.path.endswith(PARQUET))
        if not paths:
            raise InputError(f"needed files .parquet, found none below {location}")
        with filesystem.open_input_file(paths[0]) as file:
            _check_columns(location, kind, pq.read_schema(file))
    except (OSError, ValueError) as error:
        line = " ".join(str(error).split())
        raise InputError(f"{location} cannot be read: {line}") from error
    return location


def read_stack_v2(spark: SparkSession, location: str, kind: str) -> DataFrame:
    """Read an index.

    Returns:
        One row per file: the columns of `ORIGIN` and `FILE`.
    """
    reader = spark.read.options(recursiveFileLookup=True, pathGlobFilter=f"*{PARQUET}")
    rows = reader.parquet(*_index_paths(location))
    if kind == "stack-v2-ids":
        rows = rows.withColumn("file", F.explode("files"))
    of_file = [
        F.col(f"file.{name}" if kind == "stack-v2-ids" else name).alias(name) for name in FILE
    ]
    return rows.select(*(_known(rows, name, kind) for name, kind in ORIGIN.items()), *of_file)


def _index_paths(location: str) -> list[str]:
    """A file, or what lies in a folder but for contents, which may be there and are very many."""
    filesystem, place = located(location)
    if filesystem.get_file_info(place).is_file:
        return [location]
    found = filesystem.get_file_info(fs.FileSelector(place, allow_not_found=True))
    return [
        joined(location, each.base_name)
        for each in found
        if each.base_name.endswith(PARQUET) or not (each.is_file or each.base_name == CONTENTS)
    ]


def _known(rows: DataFrame, name: str, kind: str) -> Column:
    value = F.col(name) if name in rows.columns else F.lit(None)
    return value.cast(kind).alias(name)


def _check_columns(location: str, kind: str, schema: pa.Schema) -> None:
    missing = NEEDED[kind] - set(schema.names)
    if kind == "stack-v2-ids" and not missing:
        listed = schema.field("files").type
        within = getattr(listed, "value_type", listed)
        has_names = pa.types.is_struct(within)
        of_file = {field.name for field in within} if has_names else set()
        missing = {f"files.{name}" for name in FILE if name not in of_file}
    if missing:
        has = ", ".join(schema.names)
        names = ", ".join(sorted(missing))
        raise InputError(f"{location} needs columns {names}; it has {has}")
