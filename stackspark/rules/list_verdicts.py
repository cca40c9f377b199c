"""Verdicts that rules left on rows -> rows of `ledger`."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.subjects import subjects
from stackspark.rules.verdicts import VERDICT_COLUMNS


def list_verdicts(rows: DataFrame, grain: str) -> DataFrame:
    """Turn the `verdicts` of rows into one row of `ledger` each.

    Args:
        rows: one row per subject, with `verdicts` and the columns of the subject's id.
        grain: content, blob, named_blob or file.
    Returns:
        Rows with `VERDICT_COLUMNS`; a row that no rule rejects leaves none.
    Shuffles: none.
    """
    verdicts = rows.select(
        F.lit(grain).alias("grain"),
        subjects()[grain].alias("subject_id"),
        F.inline(F.array_compact("verdicts")),
    )
    return verdicts.select(*VERDICT_COLUMNS)
