"""Archived events -> the names that each repository of GitHub had, and when it was seen so."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def list_repository_names(events: DataFrame) -> DataFrame:
    """List names over time; letter case does not matter.

    Args:
        events: rows of archived events.

    Returns:
        One row per (`name_key`, `github_id`): `name_key` is ``owner/name`` in lower case,
        `first_at` and `last_at` are the first and the last event under it.
    Shuffles: one, of a row per name, repository and partition.
    """
    named = events.where(F.col("full_name").isNotNull())
    return named.groupBy(F.lower("full_name").alias("name_key"), "github_id").agg(
        F.min("first_at").alias("first_at"), F.max("last_at").alias("last_at")
    )
