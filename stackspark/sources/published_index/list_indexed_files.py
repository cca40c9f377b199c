"""Rows of a published index of files -> files below their roots, and rows that are no file."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.subjects import is_object_id
from stackspark.swhid import FILE_MODE


def list_indexed_files(files: DataFrame) -> DataFrame:
    """List the files of an index, whichever of its repositories have them.

    An index tells no modes: every file is an ordinary one.

    Args:
        files: `directory_id`, `path` (with a leading slash), `content_id`, `blob_id`,
            `length_bytes`.

    Returns:
        Rows once: `root_id`, `path` (binary, without the slash), `row` (file or problem), `mode`,
        `content_id`, `length_bytes`, `blob_id`, `error_class`, `message`.
    Shuffles: one, of whole rows.
    """
    error_class, message = _fault()
    listed = files.where(is_object_id("directory_id")).select(
        F.col("directory_id").alias("root_id"),
        F.encode(F.regexp_replace(F.coalesce("path", F.lit("")), "^/", ""), "utf-8").alias("path"),
        F.when(error_class.isNull(), "file").otherwise("problem").alias("row"),
        F.lit(FILE_MODE).alias("mode"),
        "content_id",
        F.col("length_bytes").cast("bigint").alias("length_bytes"),
        "blob_id",
        error_class.alias("error_class"),
        message.alias("message"),
    )
    return listed.distinct()


def _fault() -> tuple[Column, Column]:
    # Every name between two slashes, and neither . nor .. nor a NUL in any.
    is_safe = F.rlike("path", F.lit(r"^(?s)(?:/(?!\.{1,2}(?:/|$))[^/\x00]+)+$"))
    is_whole = is_object_id("content_id") & is_object_id("blob_id") & (F.col("length_bytes") >= 0)
    cases = (
        (is_safe, "unsafe_path", "git itself refuses such a name; it is left out"),
        (is_whole, "invalid_row", "it needs content_id, blob_id and length_bytes; left out"),
    )
    error_class = message = F.when(F.lit(False), "")
    for is_well, name, words in cases:
        is_bad = ~F.coalesce(is_well, F.lit(False))
        error_class, message = error_class.when(is_bad, name), message.when(is_bad, words)
    return error_class, message
