"""Drop the heads of all buckets and their removed members, and list what is left.

Output: one row per blob and band, as `list_bands` gives them.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def peel_buckets(candidate_edges: DataFrame, removed: DataFrame) -> DataFrame:
    """List the surviving members of the buckets, heads aside.

    The members that remain found no twin in their bucket's head; among each other they were never
    compared. Each peeling takes a head off each bucket, so buckets shrink round by round.

    Args:
        candidate_edges: (`band_hash`, `member`, `head`) of the round before.
        removed: `member` is the rank of a removed blob.

    Returns:
        (`band_hash`, `rank`).
    Shuffles: one of each side on the rank, unless `removed` is small enough to broadcast.
    """
    survivors = candidate_edges.join(removed.select("member"), on="member", how="left_anti")
    return survivors.select("band_hash", F.col("member").alias("rank"))
