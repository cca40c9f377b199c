"""Entries of directories -> how many of them each directory has."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.subjects import is_usable_name


def count_entries(entries: DataFrame) -> DataFrame:
    """Count the entries of directories.

    Args:
        entries: `directory_id`, `name` (binary), `type`.

    Returns:
        One row per `directory_id` that has entries: `num_entries`, of these `num_links` to
        directories below, and `num_submodules`.
    Shuffles: one, on the directory, after a partial aggregation.
    """
    is_link = (F.col("type") == "dir") & is_usable_name("name")
    return entries.groupBy("directory_id").agg(
        F.count(F.lit(1)).alias("num_entries"),
        F.count_if(is_link).alias("num_links"),
        F.count_if(F.col("type") == "rev").alias("num_submodules"),
    )
