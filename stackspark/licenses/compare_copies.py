"""Mark files whose text is under other terms in another place.

The same bytes may lie below MIT here and below the GPL there; whoever copied them may have had no
right to. Texts that differ in white space, line ends or a byte-order mark count as the same.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract
from stackspark.licenses.expression_columns import OTHER_TERMS


def compare_copies(licenses: DataFrame, files: DataFrame, measurements: DataFrame) -> DataFrame:
    """Add `OTHER_TERMS` to the conflicts of files that are not removed for their own licence.

    Args:
        licenses: as its contract says; the flag is not there yet.
        files: `blob_id` of (`directory_id`, `path`).
        measurements: `normalized_hash` of `blob_id`.
    Returns:
        The same rows in contract order, flagged where the text is permissive or without a licence
        here and not permissive elsewhere.
    Shuffles: ids and paths by file, by blob_id, and by text; of the texts only those under terms of
        both kinds come back.
    """
    texts = measurements.select("blob_id", "normalized_hash")
    placed = (
        files.where(F.col("blob_id").isNotNull())
        .select("directory_id", "path", "blob_id")
        .join(texts, "blob_id", how="left")
        .select("directory_id", "path", F.coalesce("normalized_hash", "blob_id").alias("text_id"))
    )
    rows = licenses.join(placed, ["directory_id", "path"], how="left")
    is_barred = F.col("license_type") == "non_permissive"
    mixed = (
        rows.groupBy("text_id")
        .agg(F.bool_or(is_barred).alias("some"), F.bool_and(is_barred).alias("all"))
        .where(F.col("some") & ~F.col("all") & F.col("text_id").isNotNull())
        .select("text_id", F.lit(True).alias("is_mixed"))
    )
    flagged = F.coalesce("is_mixed", F.lit(False)) & ~is_barred
    conflicts = F.when(flagged, F.array_append("license_conflicts", F.lit(OTHER_TERMS))).otherwise(
        F.col("license_conflicts")
    )
    return (
        rows.join(mixed, "text_id", how="left")
        .withColumn("license_conflicts", conflicts)
        .select(*table_contract("licenses").column_names)
    )
