"""Reject contents that are no text: too large, binary, of unknown encoding, empty."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.verdicts import Rule, add_verdicts


@dataclass(frozen=True, kw_only=True)
class FilterStatusesParams:
    """The limit by which contents were called too large when they were fetched."""

    max_length_bytes: int = 10 * 1024 * 1024


def filter_statuses(
    blobs: DataFrame, params: FilterStatusesParams = FilterStatusesParams()
) -> DataFrame:
    """Add the verdicts of rules `too_large`, `binary`, `undecodable` and `empty`.

    Args:
        blobs: one row per blob with `status`, `length_bytes` and `num_chars`.
        params: the limit, for the record.
    Returns:
        The same rows with `verdicts`.
    """
    status, length = F.col("status"), F.col("length_bytes")
    # A text that is nothing but a byte-order mark has bytes, and no character.
    is_empty = (status == "empty") | (F.col("num_chars") == 0)
    rules = [
        Rule(
            name="too_large",
            fails=status == "too_large",
            value=length,
            limit=params.max_length_bytes,
        ),
        Rule(name="binary", fails=status == "binary"),
        Rule(name="undecodable", fails=status == "undecodable"),
        Rule(name="empty", fails=is_empty),
    ]
    return add_verdicts(blobs, "filter_statuses", rules)
