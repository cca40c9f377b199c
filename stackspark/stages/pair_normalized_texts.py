"""Pair up blobs whose normalised texts are equal.

Output: one edge per blob that repeats a better one's normalised text.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

KEY = ("scope", "normalized_hash")


def pair_normalized_texts(ranked: DataFrame) -> DataFrame:
    """Pair each blob with the best blob of its scope that has the same normalised text.

    Args:
        ranked: one row per `rank` with `scope` and `normalized_hash`.

    Returns:
        (`member`, `head`), one row per blob that is not the best of its text; ranks.
    Shuffles: two, on the text's hash, 80 bytes a row; the first is combined before it.
    """
    heads = (
        ranked.groupBy(*KEY)
        .agg(F.min("rank").alias("head"), F.count("*").alias("num_blobs"))
        .where("num_blobs > 1")
    )
    members = ranked.select("rank", *KEY).join(heads, on=[*KEY], how="inner")
    return members.where("rank > head").select(F.col("rank").alias("member"), "head")
