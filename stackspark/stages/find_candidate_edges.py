"""Find the pairs of blobs that may be near-duplicates: each blob and the best one of its bucket.

Output: one row per blob and bucket, heads aside.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def find_candidate_edges(bands: DataFrame) -> DataFrame:
    """Pair each member of a bucket with the bucket's head, its member of the least rank.

    A bucket of n blobs gives n - 1 edges, not n * (n - 1) / 2. The window of a bucket of any size
    spills to disk; of the ways to do this it took the fewest CPU seconds (6.0 for 6.5 million rows,
    a walk over sorted rows in Python 11.5, an aggregation and a join 9.2).

    Args:
        bands: (`band_hash`, `rank`), distinct.

    Returns:
        (`band_hash`, `member`, `head`) with head < member; ranks.
    Shuffles: one, on `band_hash`, 16 bytes a row.
    """
    head = F.min("rank").over(Window.partitionBy("band_hash"))
    buckets = bands.select("band_hash", F.col("rank").alias("member"), head.alias("head"))
    return buckets.where("member > head")
