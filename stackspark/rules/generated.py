"""Reject files that a program wrote, by their name and content or by their own word.

Source: Lozhkov et al. 2024 (The Stack v2), section 3.1 "Basic filters".
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.verdicts import Rule, add_verdicts


def filter_generated(named_blobs: DataFrame) -> DataFrame:
    """Add the verdicts of rules `generated` and `generated_marker`.

    Args:
        named_blobs: one row per (`blob_id`, `name`) with `is_generated` and `generated_marker`.
    Returns:
        The same rows with `verdicts`; the marker is the evidence.
    """
    marker = F.col("generated_marker")
    rules = [
        Rule(name="generated", fails=F.col("is_generated"), evidence=F.lit("name or content")),
        Rule(name="generated_marker", fails=marker.isNotNull(), evidence=marker),
    ]
    return add_verdicts(named_blobs, "filter_generated", rules)
