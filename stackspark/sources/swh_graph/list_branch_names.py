"""Origins -> the names of branches that their files may be taken from, the best first."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

NAMES = ("HEAD", "refs/heads/main", "refs/heads/master")
"""After the default branch that the forge told, if it is known: ranks 1, 2 and 3 after 0."""


def list_branch_names(origins: DataFrame) -> DataFrame:
    """List names of branches.

    Args:
        origins: `origin_url`, `snapshot_id`, and `default_branch`, null where it is not known.

    Returns:
        One row per origin and name: `origin_url`, `snapshot_id`, `name` (binary) and `rank`, the
        less the better.
    Shuffles: none.
    """
    told = F.concat(F.lit("refs/heads/"), "default_branch")
    ranked = F.posexplode(F.array(told, *map(F.lit, NAMES))).alias("rank", "text")
    names = origins.select("origin_url", "snapshot_id", ranked)
    return names.where(F.col("text").isNotNull()).select(
        "origin_url", "snapshot_id", F.encode("text", "utf-8").alias("name"), "rank"
    )
