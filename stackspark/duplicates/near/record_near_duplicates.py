"""`near_duplicates` -> rows of `ledger` at grain blob."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.rules.declared.duplicates import NEAR_DUPLICATE, NORMALIZED_DUPLICATE
from stackspark.rules.rule import Rule
from stackspark.rules.verdicts import VERDICT_COLUMNS, VERDICT_TYPE, verdict_columns


@dataclass(frozen=True, kw_only=True)
class RecordNearDuplicatesParams:
    """The similarity from which on two files were called near-duplicates."""

    threshold: float = 0.7


def record_near_duplicates(
    near_duplicates: DataFrame,
    params: RecordNearDuplicatesParams = RecordNearDuplicatesParams(),
) -> DataFrame:
    """Write a verdict for each removed blob; the kept twin is its evidence.

    A blob that went with its component was held against no limit, and has none.

    Args:
        near_duplicates: one row per removed blob.
        params: the threshold, for the record.
    Returns:
        Rows with `VERDICT_COLUMNS`, rule `normalized_duplicate` or `near_duplicate`.
    Shuffles: none.
    """
    verdict = (
        F.when(_is("normalized_text"), _verdict(NORMALIZED_DUPLICATE, 1.0))
        .when(_is("component"), _verdict(NEAR_DUPLICATE, None))
        .otherwise(_verdict(NEAR_DUPLICATE, params.threshold))
    )
    rows = near_duplicates.select(
        F.lit("blob").alias("grain"), F.col("blob_id").alias("subject_id"), verdict.alias("verdict")
    )
    return rows.select("*", "verdict.*").select(*VERDICT_COLUMNS)


def _is(established_by: str) -> Column:
    return F.col("established_by") == established_by


def _verdict(rule: Rule, limit: float | None) -> Column:
    similarity, twin = F.col("similarity"), F.col("kept_blob_id")
    return F.struct(*verdict_columns(rule, similarity, limit, twin)).cast(VERDICT_TYPE)
