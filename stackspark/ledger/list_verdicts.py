"""Verdicts that rules left on rows -> rows of `ledger`."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract
from stackspark.ledger.subjects import subjects


def list_verdicts(rows: DataFrame, grain: str) -> DataFrame:
    """Turn the `verdicts` of rows into one row of `ledger` each.

    Args:
        rows: one row per subject, with `verdicts` and the columns of the subject's id.
        grain: content, blob, named_blob or file.
    Returns:
        Rows of `ledger` in contract order; a row that no rule rejects leaves none.
    Shuffles: none.
    """
    verdicts = rows.select(
        F.lit(grain).alias("grain"),
        subjects()[grain].alias("subject_id"),
        F.inline(F.array_compact("verdicts")),
    )
    return verdicts.select(*table_contract("ledger").column_names)
