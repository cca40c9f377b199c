"""Pair blobs whose verified twin was itself removed with that twin's twin.

Output: one row per new pair.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def follow_twins(open_edges: DataFrame, removed: DataFrame) -> DataFrame:
    """Pair each blob that stays with the kept twins of its removed neighbours.

    Args:
        open_edges: (`member`, `head`) of verified edges from a blob that stays to a removed one.
        removed: (`member`, `head`) of removed blobs and their kept twins.

    Returns:
        (`member`, `head`), distinct, head < member; ranks.
    Shuffles: one of each side on the rank, unless one is small enough to broadcast.
    """
    twins = removed.select(F.col("member").alias("between"), F.col("head").alias("twin"))
    hops = open_edges.select("member", F.col("head").alias("between"))
    pairs = hops.join(twins, on="between", how="inner")
    return pairs.select("member", F.col("twin").alias("head")).distinct()
