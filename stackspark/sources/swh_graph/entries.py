"""Entries of directories: links to directories below, files, and entries that cannot be listed.

Files, links, submodules and refused names are those of a git repository.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.subjects import is_usable_name
from stackspark.sources.base.faults import Case, first_fault
from stackspark.swhid import EXECUTABLE_MODE, FILE_MODE, SYMLINK_MODE

TYPES = ("file", "dir", "rev")
EXECUTABLE_BITS = 0o111
FORMAT_BITS = 0o170000


def directory_links(entries: DataFrame) -> DataFrame:
    """Links from directories to the directories below: `directory_id`, `name`, `child`."""
    links = entries.where(_is_link())
    return links.select("directory_id", "name", F.col("target").alias("child"))


def count_entries(entries: DataFrame) -> DataFrame:
    """Count the entries of directories.

    Args:
        entries: `directory_id`, `name` (binary), `type`.

    Returns:
        One row per `directory_id` that has entries: `num_entries`, of these `num_links` to
        directories below, and `num_submodules`.
    Shuffles: one, on the directory, after a partial aggregation.
    """
    return entries.groupBy("directory_id").agg(
        F.count(F.lit(1)).alias("num_entries"),
        F.count_if(_is_link()).alias("num_links"),
        F.count_if(F.col("type") == "rev").alias("num_submodules"),
    )


def describe_entries(entries: DataFrame, contents: DataFrame) -> DataFrame:
    """Describe each entry that is a file, or that is left out.

    Args:
        entries: `directory_id`, `name` (binary), `type`, `target`, `perms`.
        contents: `content_id`, `blob_id`, `length_bytes`, `status`, `reason`; of equal ids one
            that is visible is taken.

    Returns:
        One row per entry but directories and submodules: `directory_id`, `name`, `row` (file or
        problem), `mode`, `content_id`, `length_bytes`, `blob_id`, `error_class`, `message`.
    Shuffles: ids of files, then contents that are among them, then entries, by content.
    """
    is_file = (F.col("type") == "file") & is_usable_name("name")
    is_other = F.coalesce(_is_link() | (F.col("type") == "rev"), F.lit(False))
    described = entries.where(~is_other).withColumn("is_file", is_file)
    wanted = described.where("is_file").select(F.col("target").alias("content_id")).distinct()
    known = _once(contents.join(wanted, "content_id", how="left_semi"))
    content_id = F.when(F.col("is_file"), F.col("target"))
    fault = first_fault(*_cases())
    return (
        described.withColumn("content_id", content_id)
        .join(known, "content_id", how="left")
        .select(
            "directory_id",
            "name",
            F.when(fault[0].isNull(), "file").otherwise("problem").alias("row"),
            _mode().alias("mode"),
            "content_id",
            "length_bytes",
            "blob_id",
            *fault,
        )
    )


def _is_link() -> Column:
    return (F.col("type") == "dir") & is_usable_name("name")


def _once(contents: DataFrame) -> DataFrame:
    columns = ("blob_id", "length_bytes", "status", "reason")
    is_worse = F.coalesce(F.col("status") != "visible", F.lit(True)).alias("is_worse")
    # Nulls come first in an order: a content whose SHA-1 is known is the better one.
    order = F.struct(is_worse, F.col("blob_id").isNull().alias("no_id"), *columns)
    best = contents.groupBy("content_id").agg(F.min_by(F.struct(*columns), order).alias("best"))
    return best.select("content_id", "best.*")


def _mode() -> Column:
    is_executable = F.col("perms").bitwiseAND(EXECUTABLE_BITS) != 0
    return (
        F.when(F.col("perms").bitwiseAND(FORMAT_BITS) == SYMLINK_MODE, SYMLINK_MODE)
        .when(is_executable, EXECUTABLE_MODE)
        .otherwise(FILE_MODE)
    )


def _cases() -> tuple[Case, ...]:
    """Faults of an entry; a file has none."""
    is_known = F.coalesce(F.col("type").isin(*TYPES), F.lit(False))
    unknown = "it is neither a file, a directory nor a submodule; left out"
    unsafe = "git itself refuses such a name; it is left out"
    is_bare = F.col("blob_id").isNull() | F.col("length_bytes").isNull()
    reason = F.concat(F.lit("it was not archived: "), F.coalesce("reason", F.lit("no reason told")))
    return (
        (~is_known, "unknown_entry", unknown),
        (~F.col("is_file"), "unsafe_path", unsafe),
        (F.col("status").isNull(), "missing_content", "the export has no such content"),
        (~F.col("status").isin("visible", "skipped"), "hidden_content", "it is not public"),
        (is_bare, "skipped_content", reason),
    )
