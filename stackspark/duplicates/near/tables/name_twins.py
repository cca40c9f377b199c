"""Name the removed blobs and their kept twins.

Output: the rows of `near_duplicates`.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def name_twins(twins: DataFrame, ranked: DataFrame) -> DataFrame:
    """Put blob ids in the place of ranks.

    Args:
        twins: (`member`, `twin`, `similarity`, `established_by`, `round`), ranks.
        ranked: one row per `rank` with `blob_id` and `scope`.

    Returns:
        One row per removed blob, as the contract `near_duplicates` has it.
    Shuffles: two of each side on the rank, unless `twins` is small enough to broadcast.
    """
    members = ranked.select(F.col("rank").alias("member"), "blob_id", "scope")
    kept = ranked.select(F.col("rank").alias("twin"), F.col("blob_id").alias("kept_blob_id"))
    named = twins.join(members, on="member", how="inner").join(kept, on="twin", how="inner")
    return named.select("blob_id", "kept_blob_id", "similarity", "established_by", "scope", "round")
