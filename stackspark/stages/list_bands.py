"""List the bands of the blobs that take part in the search for near-duplicates.

Output: one row per blob and band.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def list_bands(ranked: DataFrame, text_twins: DataFrame) -> DataFrame:
    """List the bands of all blobs with a signature, save those that repeat another's text.

    The scope is mixed into the hash of a band, so that no bucket holds blobs of two scopes.

    Args:
        ranked: one row per `rank` with `scope` and `band_hashes` (null without shingles).
        text_twins: `member` is the rank of a blob that repeats another's normalised text.

    Returns:
        (`band_hash`, `rank`), 16 bytes a row.
    Shuffles: one of each side on the rank, unless `text_twins` is small enough to broadcast.
    """
    heads = ranked.join(text_twins, on=F.col("rank") == F.col("member"), how="left_anti")
    bands = heads.select(
        "rank",
        F.xxhash64("scope").alias("scope_hash"),
        F.explode("band_hashes").alias("band_hash"),
    )
    return bands.select(
        F.col("band_hash").bitwiseXOR(F.col("scope_hash")).alias("band_hash"), "rank"
    )
