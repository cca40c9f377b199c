"""Rows of `license_texts` from what the detector said, and from files that have no text."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract


def merge_license_texts(detected: DataFrame, unread: DataFrame, version: str) -> DataFrame:
    """Rows of `license_texts` in contract order.

    Args:
        detected: as `detect_licenses` has it.
        unread: (`blob_id`, `part`, `status`) of licence files that have no text; the status is
            the outcome.
        version: of the detector.
    """
    without = unread.select("blob_id", "part", F.col("status").alias("outcome"))
    return (
        detected.unionByName(without, allowMissingColumns=True)
        .withColumn("matches", F.coalesce("matches", F.array().cast(_type("matches"))))
        .withColumn("holders", F.coalesce("holders", F.array().cast(_type("holders"))))
        .withColumn("detector_version", F.lit(version))
        .select(*table_contract("license_texts").column_names)
    )


def _type(name: str) -> str:
    columns = table_contract("license_texts").columns
    return next(column.data_type for column in columns if column.name == name)
