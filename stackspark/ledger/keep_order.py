"""Orders that decide which of several copies is kept: a smaller struct is the better copy.

Each field is a number or a name that is never null, so that two structs compare field by field and
what is unknown comes last in either direction.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

LAST = 2**63 - 1
"""Sort key of what is unknown."""

EARLIEST, LATEST = "1971-01-01", "2100-01-01"
"""Clocks that were never set say 1970, broken ones say 2106 or 9999: neither is a date."""


def ascending(number: Column) -> Column:
    """Sort key of a number of which less is better; unknown is last."""
    return F.coalesce(number.cast("bigint"), F.lit(LAST))


def descending(number: Column) -> Column:
    """Sort key of a number of which more is better; unknown is last."""
    return F.coalesce(-number.cast("bigint"), F.lit(LAST))


def sane_micros(date: str) -> Column:
    """Microseconds since 1970 of a timestamp, signed; null if it is absurd or unknown."""
    day = F.col(date)
    is_sane = (day >= F.lit(EARLIEST).cast("timestamp")) & (day < F.lit(LATEST).cast("timestamp"))
    return F.when(is_sane, F.unix_micros(day))
