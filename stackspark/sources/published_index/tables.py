"""Published identifiers of The Stack v2: Parquet of files or repositories, without contents.

`stack-v2` is the layout of the-stack-v2 and its deduplicated copy, `stack-v2-ids` that of
the-stack-v2-train: a row per repository with its files.
"""

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.errors import InputError
from stackspark.runtime.storage.filesystems import files_at, located

ORIGIN = {
    "repo_name": "string",
    "repo_url": "string",
    "snapshot_id": "string",
    "revision_id": "string",
    "directory_id": "string",
    "branch_name": "string",
    "visit_date": "timestamp",
    "revision_date": "timestamp",
    "committer_date": "timestamp",
    "github_id": "bigint",
    "star_events_count": "bigint",
    "fork_events_count": "bigint",
    "gha_license_id": "string",
    "gha_event_created_at": "timestamp",
    "gha_created_at": "timestamp",
    "gha_updated_at": "timestamp",
    "gha_pushed_at": "timestamp",
    "gha_language": "string",
}
"""Columns of a repository; a layout has some of them, the others are null."""

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
        files = files_at(location)
        paths = sorted(file.path for file in files if file.path.endswith(".parquet"))
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
    rows = spark.read.option("recursiveFileLookup", "true").parquet(location)
    if kind == "stack-v2-ids":
        rows = rows.withColumn("file", F.explode("files"))
    of_file = [
        F.col(f"file.{name}" if kind == "stack-v2-ids" else name).alias(name) for name in FILE
    ]
    return rows.select(*(_known(rows, name, kind) for name, kind in ORIGIN.items()), *of_file)


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
