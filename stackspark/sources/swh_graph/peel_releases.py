"""Objects that branches point at x releases -> what the releases are of: one step along tags."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def peel_releases(objects: DataFrame, releases: DataFrame) -> DataFrame:
    """Go from each release to its target.

    Args:
        objects: (`wanted_type`, `wanted`) once, and the `type` and `id` that it has led to so far.
        releases: `id` once, `target_type`, `target`.

    Returns:
        The objects; of a release that is missing, `id` is null.
    Shuffles: both sides, by id.
    """
    found = releases.select("id", "target_type", "target")
    others = objects.where(F.col("type") != "release")
    peeled = (
        objects.where(F.col("type") == "release")
        .join(found, "id", how="left")
        .select(
            "wanted_type",
            "wanted",
            F.coalesce("target_type", F.lit("release")).alias("type"),
            F.col("target").alias("id"),
        )
    )
    return others.unionByName(peeled)
