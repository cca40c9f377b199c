"""Reject text that is mostly data in disguise: base64, hexadecimal, escapes.

Source: Lozhkov et al. 2024 (The Stack v2), section 3.1 "Basic filters".
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.verdicts import Rule, add_verdicts


@dataclass(frozen=True, kw_only=True)
class FilterEncodedDataParams:
    """Limits of the paper; both are the greatest value that stays."""

    max_encoded_chars: int = 1024
    max_encoded_fraction: float = 0.5


def filter_encoded_data(
    blobs: DataFrame, params: FilterEncodedDataParams = FilterEncodedDataParams()
) -> DataFrame:
    """Add the verdicts of rules `encoded_run` and `encoded_fraction`.

    Args:
        blobs: one row per blob with `max_encoded_chars` and `encoded_fraction`.
        params: the limits.
    Returns:
        The same rows with `verdicts`.
    """
    run, fraction = F.col("max_encoded_chars"), F.col("encoded_fraction")
    rules = [
        Rule(
            name="encoded_run",
            fails=run > params.max_encoded_chars,
            value=run,
            limit=params.max_encoded_chars,
        ),
        Rule(
            name="encoded_fraction",
            fails=fraction > params.max_encoded_fraction,
            value=fraction,
            limit=params.max_encoded_fraction,
        ),
    ]
    return add_verdicts(blobs, "filter_encoded_data", rules)
