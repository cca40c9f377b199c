"""What the scan has to do: groups of metrics of another version, base names not seen yet."""

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
    """Compare what is wanted with what has been measured.

    Args:
        blobs: (`blob_id`, `name`) of every file whose content is text; repeats are allowed.
        measurements: what has been measured.
        file_languages: what has been detected.
        groups: groups of metrics that depend on the bytes alone.
        versions: version wanted of each group and of `languages`.

    Returns:
        Requests (`blob_id`, `groups`, `name`): each new name once, and what is to be measured of
        the bytes with the first of a blob's names; `name` is null where only the bytes are
        measured.
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
