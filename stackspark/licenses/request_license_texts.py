"""Licence files, and headers of other files, that no detector of this version has seen."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.licenses.detector.answers import HEADER, TEXT
from stackspark.licenses.expression_columns import names_a_license


def request_license_texts(
    files: DataFrame,
    contents: DataFrame,
    license_texts: DataFrame,
    version: str,
    *,
    headers: bool = False,
) -> DataFrame:
    """List the blobs that the detector has to look at, each once.

    Args:
        files: (`name`, `blob_id`) of every file.
        contents: `status` of `blob_id`.
        license_texts: what has been detected.
        version: of the detector.
        headers: whether the first lines of files that are no licence files are read too.

    Returns:
        One row per blob (`blob_id`, `part`, `status`): licence files whatever their status, others
        where they have a text.
    Shuffles: ids by blob_id, of licence files only unless `headers`.
    """
    named = files.where(F.col("blob_id").isNotNull()).select(
        "blob_id", names_a_license("name").alias("is_text")
    )
    parts = named if headers else named.where("is_text")
    blobs = parts.groupBy("blob_id").agg(F.bool_or("is_text").alias("is_text"))
    current = license_texts.where(F.col("detector_version") == version)
    known = current.select("blob_id", F.col("part").alias("known_part"))
    # A header that was read does not do where the blob has got the name of a licence file since.
    is_new = F.col("known_part").isNull() | (F.col("is_text") & (F.col("known_part") == HEADER))
    return (
        blobs.join(known, "blob_id", how="left")
        .where(is_new)
        .join(contents.select("blob_id", "status"), "blob_id", how="inner")
        .where(F.col("is_text") | (F.col("status") == "ok"))
        .select("blob_id", F.when(F.col("is_text"), TEXT).otherwise(HEADER).alias("part"), "status")
    )
