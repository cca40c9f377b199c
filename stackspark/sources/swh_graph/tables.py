"""ORC tables of a Software Heritage graph export, read by declared schemas.

A table is a folder of files whose names and order carry no meaning; a table without rows has no
file from which Spark could infer a schema. Times are read as texts: the reader of ORC shifts
timestamps by the time zone of its process, and some are outside the years that Spark knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyarrow import fs, orc
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.errors import InputError
from stackspark.runtime.storage.filesystems import joined, located
from stackspark.runtime.storage.s3 import SCHEME

GRAPH = "graph/orc"
OPTIONAL = ("release", "skipped_content")
FIRST_DAY = "1582-10-15"
"""First Gregorian day: the reader of ORC shifts earlier ones; no commit is so old."""

DDL = {
    "origin_visit_status": "origin string, visit bigint, date string, status string, "
    "snapshot string, snapshot_id string",
    "snapshot_branch": "snapshot_id string, name binary, target string, target_type string",
    "release": "id string, target string, target_type string",
    "revision": "id string, directory string, date string, committer_date string",
    "directory_entry": "directory_id string, name binary, type string, target string, perms int",
    "content": "sha1 string, sha1_git string, length bigint, status string",
    "skipped_content": "sha1 string, sha1_git string, length bigint, reason string",
}
"""Columns that are read; a table may have more."""

EITHER = {"origin_visit_status": ("snapshot", "snapshot_id")}
"""Columns whose name depends on the year of the export."""


@dataclass(frozen=True, kw_only=True)
class GraphTables:
    """Tables of an export; ids are 40 hex digits.

    Attributes:
        visits: `origin_url`, `visit`, `visit_date`, `status`, `snapshot_id`.
        branches: `snapshot_id`, `name` (binary), `target`, `target_type`.
        releases: `id`, `target`, `target_type`.
        revisions: `id`, `directory_id`, `revision_date`, `committer_date`.
        entries: `directory_id`, `name` (binary), `type`, `target`, `perms`.
        contents: `content_id`, `blob_id`, `length_bytes`, `status`, `reason`; of those that were
            not archived, the status is skipped.
    """

    visits: DataFrame
    branches: DataFrame
    releases: DataFrame
    revisions: DataFrame
    entries: DataFrame
    contents: DataFrame


def graph_folder(location: str) -> str:
    """Find the folder of the tables: ``graph/orc`` below a location, or the location itself.

    Raises:
        InputError: if a table is missing, cannot be listed, or lacks a column that is needed.
    """
    place = absolute(location)
    below = joined(place, GRAPH)
    folder = below if _is_there(below) else place
    for name in DDL:
        _check(folder, name)
    return folder


def read_graph(spark: SparkSession, folder: str) -> GraphTables:
    """Read the tables of an export; see `graph_folder`."""
    tables = {name: _read(spark, folder, name) for name in DDL}
    visits, revisions = tables["origin_visit_status"], tables["revision"]
    return GraphTables(
        visits=visits.select(
            F.col("origin").alias("origin_url"),
            "visit",
            _time("date").alias("visit_date"),
            "status",
            F.coalesce("snapshot", "snapshot_id").alias("snapshot_id"),
        ),
        branches=tables["snapshot_branch"],
        releases=tables["release"],
        revisions=revisions.select(
            "id",
            F.col("directory").alias("directory_id"),
            _time("date").alias("revision_date"),
            _time("committer_date").alias("committer_date"),
        ),
        entries=tables["directory_entry"],
        contents=_contents(tables),
    )


def absolute(location: str) -> str:
    """Location as Spark and every executor find it: ``s3a://...``, or an absolute path."""
    if location.startswith("s3://"):
        return SCHEME + location.removeprefix("s3://")
    return location if "://" in location else str(Path(location).absolute())


def _contents(tables: Mapping[str, DataFrame]) -> DataFrame:
    ids = (F.col("sha1_git").alias("content_id"), F.col("sha1").alias("blob_id"))
    length = F.col("length").alias("length_bytes")
    no_reason = F.lit(None).cast("string").alias("reason")
    archived = tables["content"].select(*ids, length, "status", no_reason)
    skipped = F.lit("skipped").alias("status")
    return archived.unionByName(tables["skipped_content"].select(*ids, length, skipped, "reason"))


def _time(name: str) -> Column:
    """A timestamp in UTC; null out of range."""
    time = F.expr(f"try_cast({name} as timestamp)")
    is_sane = F.year(time).between(1, 9999) & (time >= F.lit(FIRST_DAY).cast("timestamp"))
    return F.when(is_sane, time)


def _read(spark: SparkSession, folder: str, name: str) -> DataFrame:
    if not _is_there(joined(folder, name)):
        return spark.createDataFrame([], DDL[name])
    return spark.read.schema(DDL[name]).orc(joined(folder, name))


def _is_there(path: str) -> bool:
    filesystem, inside = located(path)
    return bool(filesystem.get_file_info(inside).type == fs.FileType.Directory)


def _check(folder: str, name: str) -> None:
    """Check that a table is there and has its columns, by the footer of one file."""
    path = joined(folder, name)
    try:
        filesystem, inside = located(path)
        if not _is_there(path):
            if name in OPTIONAL:
                return
            raise InputError(
                f"needed table {name} of a Software Heritage graph export, found no folder {path}; "
                f"name the folder that holds {GRAPH}, or the one of the tables"
            )
        found = filesystem.get_file_info(fs.FileSelector(inside))
        files = sorted(file.path for file in found if file.path.endswith(".orc") and file.size)
        if files:
            with filesystem.open_input_file(files[0]) as file:
                _check_columns(path, name, set(orc.ORCFile(file).schema.names))
    except (OSError, ValueError) as error:
        line = " ".join(str(error).split())
        raise InputError(f"table {path} cannot be read: {line}") from error


def _check_columns(path: str, name: str, found: set[str]) -> None:
    either = EITHER.get(name, ())
    needed = {column.split()[0] for column in DDL[name].split(", ")} - set(either)
    missing = sorted(needed - found)
    if either and not found & set(either):
        missing.append(" or ".join(either))
    if missing:
        has = ", ".join(sorted(found))
        raise InputError(f"table {path} needs columns {', '.join(missing)}; it has {has}")
