"""Requests to the scan: groups of metrics in another version, and new base names."""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def request_scans(
    blobs: DataFrame,
    measurements: DataFrame,
    file_languages: DataFrame,
    groups: Sequence[str],
    versions: Mapping[str, str],
) -> DataFrame:
    """Request the metrics and languages that no current row has.

    Args:
        blobs: (`blob_id`, `name`) of every file whose content is text; repeats are allowed.
        measurements: rows of earlier scans.
        file_languages: rows of earlier scans.
        groups: groups of metrics that depend on the bytes alone.
        versions: wanted version of each group and of `languages`.

    Returns:
        Requests (`blob_id`, `groups`, `name`): each new name once. The missing groups of a blob
        stand with the first of its new names; `name` is null where only the bytes are measured.
    Shuffles: ids and names only, by (blob_id, name) and by blob_id.
    """
    named = blobs.select("blob_id", "name").distinct()
    known = file_languages.where(F.col("languages_version") == versions["languages"])
    names = named.join(known.select("blob_id", "name"), ["blob_id", "name"], how="left_anti")
    first_names = names.groupBy("blob_id").agg(F.min("name").alias("name"))
    current = measurements.select("blob_id", *(_current(group, versions) for group in groups))
    stale = (
        named.select("blob_id")
        .distinct()
        .join(current, "blob_id", how="left")
        .select("blob_id", F.array_compact(F.array(*map(_stale, groups))).alias("groups"))
        .where(F.size("groups") > 0)
        .join(first_names, "blob_id", how="left")
    )
    nothing = F.array().cast("array<string>")
    return names.join(stale, ["blob_id", "name"], how="full").select(
        "blob_id", F.coalesce("groups", nothing).alias("groups"), "name"
    )


def _current(group: str, versions: Mapping[str, str]) -> Column:
    return (F.col(f"{group}_version") == versions[group]).alias(group)


def _stale(group: str) -> Column:
    return F.when(~F.coalesce(F.col(group), F.lit(False)), F.lit(group))
