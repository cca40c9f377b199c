"""Join the two kinds of removed blobs: equal normalised text, and similar shingles.

Output: one row per removed blob, in ranks.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

NORMALIZED_TEXT = "normalized_text"


def settle_twins(text_twins: DataFrame, removed: DataFrame) -> DataFrame:
    """Give each removed blob its kept twin.

    A blob that repeats the normalised text of a head goes with it: if the head stays, the head is
    its twin; if the head was removed, so is the head's kept twin, with the head's similarity, round
    and evidence. Normalising takes away line-end differences and blanks at the ends of lines, which
    belong to no token, so the two have the same shingles. (Not by the scheme `stack-v2`, where such
    blanks are tokens: there the similarity is that of the head alone.)

    Args:
        text_twins: (`member`, `head`) of equal normalised texts.
        removed: (`member`, `head`, `similarity`, `established_by`, `round`) of near-duplicates.

    Returns:
        (`member`, `twin`, `similarity`, `established_by`, `round`); twins stay.
    Shuffles: one of each side on the rank, unless one is small enough to broadcast.
    """
    near = removed.select(
        "member", F.col("head").alias("twin"), "similarity", "established_by", "round"
    )
    heads = near.withColumnRenamed("member", "head")
    same_text = text_twins.join(heads, on="head", how="left").select(
        "member",
        F.coalesce("twin", "head").alias("twin"),
        F.coalesce("similarity", F.lit(1.0)).alias("similarity"),
        F.coalesce("established_by", F.lit(NORMALIZED_TEXT)).alias("established_by"),
        F.coalesce("round", F.lit(0)).alias("round"),
    )
    return near.unionByName(same_text)
