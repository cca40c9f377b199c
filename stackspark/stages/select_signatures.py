"""Select the signatures that a round needs to verify its pairs.

Output: one row per blob that is in a pair.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def select_signatures(ranked: DataFrame, pairs: DataFrame) -> DataFrame:
    """Select the signatures of the blobs of a few pairs, before anything is shuffled.

    Args:
        ranked: one row per `rank` with `signature`.
        pairs: (`member`, `head`), ranks.

    Returns:
        (`rank`, `signature`).
    Shuffles: none of signatures where the pairs are few enough to broadcast.
    """
    members = pairs.select(F.col("member").alias("rank"))
    needed = members.union(pairs.select(F.col("head").alias("rank")))
    return ranked.select("rank", "signature").join(needed, on="rank", how="left_semi")
