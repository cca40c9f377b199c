"""Rows of `measurements` and `file_languages` from what the scan handed out."""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract


def merge_measurements(
    scanned: DataFrame, measurements: DataFrame, versions: Mapping[str, str], groups: Sequence[str]
) -> DataFrame:
    """Rows of `measurements` for every blob that was measured.

    Args:
        scanned: what the scan handed out; one row per blob holds its groups of metrics.
        measurements: what had been measured; gives the groups that were not measured again.
        versions: version of each group that the scan measured.
        groups: groups of metrics.

    Returns:
        One row per measured blob in contract order.
    Shuffles: only blobs of which some groups were measured before.
    """
    measured = scanned.select("blob_id", *groups).where(F.coalesce(*map(_is_set, groups)))
    whole = F.lit(True)
    for group in groups:
        whole = whole & F.col(group).isNotNull()
    return (
        measured.where(whole)
        .select(*_columns(versions, kept=None))
        .unionByName(_completed(measured.where(~whole), measurements, versions))
    )


def merge_file_languages(scanned: DataFrame, version: str) -> DataFrame:
    """Rows of `file_languages`, one per (blob_id, name) that was looked at, in contract order."""
    named = scanned.where(F.col("named").isNotNull()).select("blob_id", "named.*")
    return named.withColumn("languages_version", F.lit(version)).select(
        *table_contract("file_languages").column_names
    )


def _completed(
    partial: DataFrame, measurements: DataFrame, versions: Mapping[str, str]
) -> DataFrame:
    """Partly measured blobs with their other groups as they were."""
    kept = measurements.select("blob_id", F.struct(*measurements.columns).alias("kept"))
    return partial.join(kept, "blob_id", how="inner").select(*_columns(versions, kept="kept"))


def _columns(versions: Mapping[str, str], kept: str | None) -> list[Column]:
    columns = []
    for column in table_contract("measurements").columns:
        name, group = column.name, column.group
        if group is None:
            columns.append(F.col(name))
            continue
        is_version = name == f"{group}_version"
        new = F.lit(versions[group]) if is_version else F.col(f"{group}.{name}")
        old = F.col(f"{kept}.{name}") if kept else F.lit(None)
        columns.append(F.when(F.col(group).isNotNull(), new).otherwise(old).alias(name))
    return columns


def _is_set(group: str) -> Column:
    return F.when(F.col(group).isNotNull(), F.lit(True))
