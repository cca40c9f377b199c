"""Survivors less their duplicates -> the last word on every file, with the twin that stays."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

COLUMNS = (
    "directory_id",
    "path",
    "blob_id",
    "content_id",
    "length_bytes",
    "language",
    "status",
    "cause",
    "kept_directory_id",
    "kept_path",
    "kept_blob_id",
)
"""One row per file; `status` is kept, removed or quarantined; `kept_*` is a duplicate's twin."""

TWIN = ("directory_id", "path", "blob_id")


def finalize_verdicts(
    file_verdicts: DataFrame, representatives: DataFrame, near_duplicates: DataFrame
) -> DataFrame:
    """Decide which survivors stay, and name the twin of those that do not.

    Every copy of a blob but its representative is an exact duplicate; the representative of a blob
    that repeats another one goes too. The twin of either is a file that stays: where the whole blob
    goes, the representative of the blob that is kept for it.

    Args:
        file_verdicts: one row per file, as `resolve_verdicts` has it.
        representatives: the chosen file of each surviving blob.
        near_duplicates: removed blobs with the blob that is kept for each.
    Returns:
        Rows with `COLUMNS`, one per file.
    Shuffles: representatives by blob_id, twice; files by blob_id, with ids and paths only.
    """
    rows = file_verdicts.join(_fates(representatives, near_duplicates), "blob_id", how="left")
    is_survivor = F.col("status") == "survivor"
    # Exact copies come before near ones in the order of rules.
    is_chosen = F.struct("directory_id", "path") == F.col("chosen")
    duplicate = F.when(is_survivor, F.when(~is_chosen, "exact_duplicate").otherwise(F.col("rule")))
    survivor_status = F.when(duplicate.isNull(), "kept").otherwise("removed")
    values = {
        "status": F.when(is_survivor, survivor_status).otherwise(F.col("status")),
        "cause": F.coalesce(duplicate, "cause"),
    } | {f"kept_{name}": F.when(duplicate.isNotNull(), F.col(f"twin.{name}")) for name in TWIN}
    return rows.select(*(values.get(name, F.col(name)).alias(name) for name in COLUMNS))


def _fates(representatives: DataFrame, near_duplicates: DataFrame) -> DataFrame:
    """One row per surviving blob: its representative, its rule if it goes, the file that stays."""
    is_normalized = F.col("established_by") == "normalized_text"
    rule = F.when(is_normalized, "normalized_duplicate").otherwise("near_duplicate")
    repeated = near_duplicates.select(
        "blob_id", F.col("kept_blob_id").alias("better_blob_id"), rule.alias("rule")
    )
    chosen = representatives.select("blob_id", F.struct("directory_id", "path").alias("chosen"))
    stays = chosen.select(
        F.col("blob_id").alias("twin_blob_id"), F.struct("blob_id", "chosen.*").alias("twin")
    )
    fates = chosen.join(repeated, "blob_id", how="left").withColumn(
        "twin_blob_id", F.coalesce("better_blob_id", "blob_id")
    )
    return fates.join(stays, "twin_blob_id", how="left").drop("twin_blob_id", "better_blob_id")
