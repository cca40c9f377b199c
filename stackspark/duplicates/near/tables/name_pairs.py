"""Name the two blobs of a pair, whichever of them is the better one.

Output: one row per pair.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

PAIR = ("blob_id", "other_blob_id")
"""Names of a pair, in their own order: copies change places when a rule or a star is added."""


def name_pairs(pairs: DataFrame, ranked: DataFrame) -> DataFrame:
    """Put blob ids beside the ranks of pairs.

    Args:
        pairs: (`member`, `head`, ...), ranks.
        ranked: one row per `rank` with `blob_id`.

    Returns:
        The pairs with `PAIR`.
    Shuffles: two of each side on the rank, unless `pairs` is small enough to broadcast.
    """
    members = ranked.select(F.col("rank").alias("member"), F.col("blob_id").alias("member_id"))
    heads = ranked.select(F.col("rank").alias("head"), F.col("blob_id").alias("head_id"))
    named = pairs.join(members, on="member", how="inner").join(heads, on="head", how="inner")
    ids = (F.least("member_id", "head_id"), F.greatest("member_id", "head_id"))
    return named.select(
        *pairs.columns, *(each.alias(name) for each, name in zip(ids, PAIR, strict=True))
    )
