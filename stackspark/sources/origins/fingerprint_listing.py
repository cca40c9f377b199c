"""Fingerprint of a listing: the same on any machine and in any partitioning."""

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

PLACES = ("container", "locator")
"""Columns that depend on this machine, not on the listed files."""


def fingerprint_listing(listing: DataFrame) -> DataFrame:
    """Sum up two hashes of every listed row: a change of any row changes the sums.

    Args:
        listing: rows of listing.

    Returns:
        One row of three columns: rows, and two sums of 64-bit hashes as decimals.
    Shuffles: one row per partition.
    """
    kinds = ("origin", "file", "quarantine")
    return fingerprint_rows(
        listing.select("kind", *(_without_places(listing, kind) for kind in kinds))
    )


def fingerprint_rows(rows: DataFrame) -> DataFrame:
    """Sum up two hashes of every row of any table; see `fingerprint_listing`."""
    # The hash passes over nulls, so that (x, null) and (null, x) would be one.
    values = (F.struct(*rows.columns), *_nulls(rows.schema))
    sums = [F.sum(F.xxhash64(F.lit(seed), *values).cast("decimal(38,0)")) for seed in (1, 2)]
    return rows.agg(F.count(F.lit(1)), *sums)


def _nulls(struct: T.StructType, parent: str = "") -> Iterator[Column]:
    """Whether each field is null, at every depth of structs."""
    for field in struct.fields:
        yield F.isnull(f"{parent}{field.name}")
        if isinstance(field.dataType, T.StructType):
            yield from _nulls(field.dataType, f"{parent}{field.name}.")


def _without_places(listing: DataFrame, kind: str) -> Column:
    names = listing.select(f"{kind}.*").columns
    return F.struct(*(f"{kind}.{name}" for name in names if name not in PLACES)).alias(kind)
