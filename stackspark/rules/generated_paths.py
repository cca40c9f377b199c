"""Reject files whose path alone says that a program wrote them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.verdicts import Rule, add_verdicts


def filter_generated_paths(files: DataFrame) -> DataFrame:
    """Add the verdict of rule `generated` where Linguist's path rules fire.

    They need the whole path (`node_modules/`, `Godeps/`), so this is decided per file; what name
    and content say is decided per named blob, in `filter_generated`.

    Args:
        files: one row per file with `is_generated_path`.
    Returns:
        The same rows with `verdicts`.
    """
    rule = Rule(name="generated", fails=F.col("is_generated_path"), evidence=F.lit("path"))
    return add_verdicts(files, "filter_generated_paths", [rule])
