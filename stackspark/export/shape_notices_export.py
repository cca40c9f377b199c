"""Rows of the export `notices`: the licence texts that the kept files rest on, and whose they are.

Permissive licences ask that their text and its copyright lines go along with the code. Output: one
row per licence text; the export adds the text as the last column, `content`.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def shape_notices_export(
    kept: DataFrame,
    *,
    licenses: DataFrame,
    files: DataFrame,
    license_texts: DataFrame,
    origins: DataFrame,
    contents: DataFrame,
) -> DataFrame:
    """Gather the licence files that decided on kept files, by their bytes.

    Args:
        kept: (`directory_id`, `path`) of every kept file.
        licenses: as its contract says.
        files: `blob_id` of (`directory_id`, `path`).
        license_texts: as its contract says.
        origins: `repo_name` of `directory_id`.
        contents: `status` and `length_bytes` of `blob_id`; files without a text have no row.

    Returns:
        One row per licence text (`blob_id`): `expression`, `holders`, `num_files` that rest on it
        and `num_repositories` that they are in, `repo_name` and `path` of the first place of the
        text, `length_bytes`.
    Shuffles: kept files by (directory_id, path); licence files, a few per repository, by place and
        by blob_id.
    """
    place = ["directory_id", "path"]
    sources = F.filter("license_sources", lambda item: item["source"] == "license_file")
    rested_on = (
        licenses.join(kept.select(*place), place, how="left_semi")
        .select("directory_id", F.explode(F.array_distinct(sources["path"])).alias("path"))
        .groupBy(*place)
        .agg(F.count("*").alias("num_files"))
    )
    texts = contents.where(F.col("status") == "ok").select("blob_id", "length_bytes")
    first = F.min(F.struct("directory_id", "path"))
    by_text = (
        rested_on.join(files.select(*place, "blob_id"), place, how="inner")
        .groupBy("blob_id")
        .agg(
            F.sum("num_files").alias("num_files"),
            F.count_distinct("directory_id").alias("num_repositories"),
            first.alias("first"),
        )
        .select("blob_id", "num_files", "num_repositories", "first.directory_id", "first.path")
    )
    said = license_texts.select("blob_id", "expression", "holders")
    return (
        by_text.join(said, "blob_id", how="inner")
        .join(texts, "blob_id", how="inner")
        .join(origins.select("directory_id", "repo_name"), "directory_id", how="inner")
        .select(
            *("blob_id", "expression", "holders", "num_files", "num_repositories"),
            *("repo_name", "path", "length_bytes"),
        )
    )
