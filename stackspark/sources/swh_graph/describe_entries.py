"""Entries of directories x contents -> files, and entries that cannot be listed.

What is a file, a link or a submodule, and which names are refused, is as for a git repository.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.subjects import is_usable_name
from stackspark.swhid import EXECUTABLE_MODE, FILE_MODE, SYMLINK_MODE

TYPES = ("file", "dir", "rev")
EXECUTABLE_BITS = 0o111


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
    is_well = F.col("type").isin("dir", "rev") & (is_usable_name("name") | (F.col("type") == "rev"))
    kept = entries.where(~F.coalesce(is_well, F.lit(False))).withColumn("is_file", is_file)
    wanted = kept.where("is_file").select(F.col("target").alias("content_id")).distinct()
    known = _once(contents.join(wanted, "content_id", how="left_semi"))
    content_id = F.when(F.col("is_file"), F.col("target")).alias("content_id")
    found = kept.withColumn("content_id", content_id).join(known, "content_id", how="left")
    error_class, message = _fault()
    return found.select(
        "directory_id",
        "name",
        F.when(error_class.isNull(), "file").otherwise("problem").alias("row"),
        _mode().alias("mode"),
        "content_id",
        "length_bytes",
        "blob_id",
        error_class.alias("error_class"),
        message.alias("message"),
    )


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
        F.when(F.col("perms") == SYMLINK_MODE, SYMLINK_MODE)
        .when(is_executable, EXECUTABLE_MODE)
        .otherwise(FILE_MODE)
    )


def _fault() -> tuple[Column, Column]:
    """Class and words of what is wrong with an entry; null for a file."""
    is_bare = F.col("blob_id").isNull() | F.col("length_bytes").isNull()
    reason = F.concat(F.lit("it was not archived: "), F.coalesce("reason", F.lit("no reason told")))
    unknown = "it is neither a file, a directory nor a submodule; left out"
    cases = (
        (~F.coalesce(F.col("type").isin(*TYPES), F.lit(False)), "unknown_entry", F.lit(unknown)),
        (
            ~F.col("is_file"),
            "unsafe_path",
            F.lit("git itself refuses such a name; it is left out"),
        ),
        (F.col("status").isNull(), "missing_content", F.lit("the export has no such content")),
        (~F.col("status").isin("visible", "skipped"), "hidden_content", F.lit("it is not public")),
        (is_bare, "skipped_content", reason),
    )
    error_class = message = F.when(F.lit(False), "")
    for case, name, words in cases:
        error_class, message = error_class.when(case, name), message.when(case, words)
    return error_class, message
