"""Inputs that could not be used -> `quarantine`."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract


def collect_quarantine(listed: DataFrame, failed: DataFrame) -> DataFrame:
    """Put what could not be listed beside what could not be fetched.

    Args:
        listed: rows of `quarantine` that listing handed out.
        failed: contents that could not be fetched: `content_id`, `locator`, `error_class` and
            `message`.

    Returns:
        Rows of `quarantine` in contract order, one per (source, key, error_class).
    Shuffles: one, on the key.
    """
    source = F.concat("locator.kind", F.lit(":"), "locator.location")
    contents = failed.select(
        source.alias("source"),
        F.col("content_id").alias("key"),
        F.lit("content").alias("grain"),
        "error_class",
        "message",
    )
    columns = table_contract("quarantine").column_names
    both = listed.select(*columns).unionByName(contents)
    first = both.groupBy("source", "key", "error_class").agg(
        F.min(F.struct("grain", "message")).alias("first")
    )
    return first.select("source", "key", "error_class", "first.*").select(*columns)
