"""Survivors -> one file for each blob: the copy that stays where the same bytes occur again.

Source: Lozhkov et al. 2024 (The Stack v2), section 2.3; chosen after every other rule, so that no
content is lost because its best copy is removed, and by licence type, not by GitHub's word alone.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.keep_order import descending, sane_micros

LICENSE_TYPES = ("permissive", "no_license", "non_permissive")
"""From best to worst; what is unknown comes after."""

COLUMNS = ("blob_id", "directory_id", "path", "language", "keep_order")


def select_representatives(
    file_verdicts: DataFrame, licenses: DataFrame, origins: DataFrame
) -> DataFrame:
    """Choose the best copy of each blob that survives.

    Better is: the freer licence, more stars, more forks, the newer revision, the newer visit; then
    the lesser repository name, path and directory.

    Args:
        file_verdicts: one row per file, as `resolve_verdicts` has it; survivors are looked at.
        licenses: `license_type` of (`directory_id`, `path`).
        origins: stars, forks, dates and `repo_name` of `directory_id`.
    Returns:
        One row per blob with `COLUMNS`; `language` is that of the chosen file. `keep_order` ranks
        blobs among each other: a struct, ascending is better, unique by its last field `blob_id`.
    Shuffles: survivors by (directory_id, path), by directory_id, then by blob_id after a partial
        aggregation, so that a file copied ten million times makes one row per partition.
    """
    standing = origins.select(
        "directory_id",
        "repo_name",
        descending(F.col("star_events_count")).alias("stars"),
        descending(F.col("fork_events_count")).alias("forks"),
        descending(sane_micros("revision_date")).alias("revision_date"),
        descending(sane_micros("visit_date")).alias("visit_date"),
    )
    survivors = file_verdicts.where(F.col("status") == "survivor").select(
        "directory_id", "path", "blob_id", "language"
    )
    types = licenses.select("directory_id", "path", _license_rank().alias("license_rank"))
    copies = survivors.join(types, ["directory_id", "path"], how="left").join(
        standing, "directory_id", how="left"
    )
    rank = ("license_rank", "stars", "forks", "revision_date", "visit_date")
    order = F.struct(*rank, "repo_name", "path", "directory_id")
    chosen = F.struct(
        "directory_id", "path", "language", F.struct(*rank, "blob_id").alias("keep_order")
    )
    best = copies.groupBy("blob_id").agg(F.min_by(chosen, order).alias("best"))
    return best.select("blob_id", *(f"best.{name}" for name in COLUMNS[1:]))


def _license_rank() -> Column:
    order = F.array(*map(F.lit, LICENSE_TYPES))
    place = F.array_position(order, F.col("license_type"))
    return F.when(place > 0, place - 1).otherwise(len(LICENSE_TYPES)).cast("int")
