"""What sources hold as a few numbers that any machine and any partitioning finds the same."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

PLACES = ("container", "locator")
"""Where things lie on this machine; says nothing of what they are."""


def fingerprint_listing(listing: DataFrame) -> DataFrame:
    """Sum up two hashes of every listed row: a change of any row changes the sums.

    Args:
        listing: rows of listing.

    Returns:
        One row of three columns: rows, and two sums of 64-bit hashes as decimals.
    Shuffles: one row per partition.
    """
    whole = F.struct(*(_without_places(listing, kind) for kind in ("origin", "file", "quarantine")))
    sums = [F.sum(F.xxhash64(F.lit(seed), "kind", whole).cast("decimal(38,0)")) for seed in (1, 2)]
    return listing.agg(F.count(F.lit(1)), *sums)


def _without_places(listing: DataFrame, kind: str) -> Column:
    names = listing.select(f"{kind}.*").columns
    return F.struct(*(f"{kind}.{name}" for name in names if name not in PLACES)).alias(kind)
