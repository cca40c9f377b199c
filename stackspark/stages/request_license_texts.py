"""Licence files whose text no detector of this version has seen."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.license_expressions import names_a_license


def request_license_texts(
    files: DataFrame, contents: DataFrame, license_texts: DataFrame, version: str
) -> DataFrame:
    """List the blobs that stand under the name of a licence file somewhere, each once.

    Args:
        files: (`name`, `blob_id`) of every file.
        contents: `status` of `blob_id`.
        license_texts: what has been detected.
        version: of the detector.

    Returns:
        One row per blob to look at (`blob_id`, `status`), whatever its status.
    Shuffles: ids of licence files only, by blob_id.
    """
    named = files.where(names_a_license("name") & F.col("blob_id").isNotNull())
    known = license_texts.where(F.col("detector_version") == version).select("blob_id")
    return (
        named.select("blob_id")
        .distinct()
        .join(known, "blob_id", how="left_anti")
        .join(contents.select("blob_id", "status"), "blob_id", how="inner")
    )
