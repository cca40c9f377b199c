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
        .select(*_columns(groups, versions, kept=None))
        .unionByName(_completed(measured.where(~whole), measurements, versions, groups))
    )


def merge_file_languages(scanned: DataFrame, version: str) -> DataFrame:
    """Rows of `file_languages`, one per (blob_id, name) that was looked at, in contract order."""
    named = scanned.where(F.col("named").isNotNull()).select("blob_id", "named.*")
    return named.withColumn("languages_version", F.lit(version)).select(
        *table_contract("file_languages").column_names
    )


def _completed(
    partial: DataFrame, measurements: DataFrame, versions: Mapping[str, str], groups: Sequence[str]
) -> DataFrame:
    """Partly measured blobs with their other groups as they were."""
    kept = measurements.select("blob_id", F.struct(*measurements.columns).alias("kept"))
    return partial.join(kept, "blob_id", how="inner").select(
        *_columns(groups, versions, kept="kept")
    )


def _columns(groups: Sequence[str], versions: Mapping[str, str], kept: str | None) -> list[Column]:
    version_of = {f"{group}_version": group for group in groups}
    owner = _owners(groups)
    columns = []
    for name in table_contract("measurements").column_names:
        group = version_of.get(name) or owner.get(name)
        if group is None:
            columns.append(F.col(name))
            continue
        new = F.lit(versions[group]) if name in version_of else F.col(f"{group}.{name}")
        old = F.col(f"{kept}.{name}") if kept else F.lit(None)
        columns.append(F.when(F.col(group).isNotNull(), new).otherwise(old).alias(name))
    return columns


def _owners(groups: Sequence[str]) -> dict[str, str]:
    """Group of each metric: the columns after a group's version belong to it."""
    owners: dict[str, str] = {}
    current = None
    for name in table_contract("measurements").column_names:
        group = name.removesuffix("_version")
        if group in groups and name != group:
            current = group
        elif current:
            owners[name] = current
    return owners


def _is_set(group: str) -> Column:
    return F.when(F.col(group).isNotNull(), F.lit(True))
