"""Outcomes of fetching: the blob of each file, and the inputs that could not be used."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract


def attach_blobs(files: DataFrame, contents: DataFrame) -> DataFrame:
    """Join each file with the blob of its content.

    Args:
        files: the columns of `files` but `blob_id`; `length_bytes` as far as listing knew it.
        contents: fetched contents; the text is not read.

    Returns:
        Rows of `files` in contract order; `blob_id` and `length_bytes` are null where nothing was
        fetched.
    Shuffles: files by content_id, ids and paths only.
    """
    fetched = contents.select("content_id", "blob_id", "length_bytes")
    attached = files.drop("length_bytes").join(fetched, "content_id", how="left")
    return attached.select(*table_contract("files").column_names)


def collect_quarantine(listed: DataFrame, failed: DataFrame) -> DataFrame:
    """Unite the inputs that could not be listed with those that could not be fetched.

    Args:
        listed: rows of `quarantine` from listing.
        failed: contents that could not be fetched: `content_id`, `locator`, `error_class` and
            `message`.

    Returns:
        Rows of `quarantine` in contract order, one per (source, key, error_class).
    Shuffles: one, on the key.
    """
    contents = failed.select(
        F.concat("locator.kind", F.lit(":"), "locator.location").alias("source"),
        F.col("content_id").alias("key"),
        F.lit("content").alias("grain"),
        "error_class",
        "message",
    )
    columns = table_contract("quarantine").column_names
    first = F.min(F.struct("grain", "message")).alias("first")
    rows = listed.select(*columns).unionByName(contents)
    unique = rows.groupBy("source", "key", "error_class").agg(first)
    return unique.select("source", "key", "error_class", "first.*").select(*columns)
