"""Counts of what the search for near-duplicates removed of each language and each source."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.rules.catalog import NEAR_DUPLICATE_RULES

KINDS = ("language", "source")
"""Columns by whose values removals are counted."""

COLUMNS = ("kind", "key", "num_in", "num_removed")


@dataclass(frozen=True, kw_only=True)
class CountRemovalsParams:
    """How many files a language or source needs to be counted at all."""

    min_files: int = 1000


def count_removals(
    file_verdicts: DataFrame,
    origins: DataFrame,
    params: CountRemovalsParams = CountRemovalsParams(),
) -> DataFrame:
    """Count the files that were compared, and those that went, per language and per source.

    Files of other causes, exact copies among them, were not compared and count nowhere.

    Args:
        file_verdicts: one row per file, as `finalize_verdicts` has it.
        origins: `source` of `directory_id`.
        params: the least number of files.
    Returns:
        One row per `kind` (language, source) and `key`, with `num_in` and `num_removed`; as many as
        there are languages and sources at most. An unknown language is the empty one.
    Shuffles: one row per partition, directory and language, by directory_id; then one per
        language and source.
    """
    compared = (F.col("status") == "kept") | went_as_near_duplicate()
    counts = (
        file_verdicts.where(compared)
        .groupBy("directory_id", language_key().alias("language"))
        .agg(
            F.count("*").alias("num_in"),
            F.count_if(went_as_near_duplicate()).alias("num_removed"),
        )
        .join(origins.select("directory_id", "source"), "directory_id", how="inner")
    )
    keys = [F.struct(F.lit(kind).alias("kind"), F.col(kind).alias("key")) for kind in KINDS]
    sums = [F.sum(name).alias(name) for name in COLUMNS[2:]]
    by_key = counts.select(F.inline(F.array(*keys)), *COLUMNS[2:]).groupBy("kind", "key").agg(*sums)
    return by_key.where(F.col("num_in") >= params.min_files).select(*COLUMNS)


def select_removed(
    file_verdicts: DataFrame,
    origins: DataFrame,
    languages: Sequence[str],
    sources: Sequence[str],
) -> DataFrame:
    """Select what went as a near-duplicate and is of one of the languages or sources.

    Returns:
        Rows with `blob_id`; one may come twice.
    Shuffles: removed files by directory_id, if there are sources.
    """
    removed = file_verdicts.where(went_as_near_duplicate())
    of_sources = origins.where(F.col("source").isin(*sources)).select("directory_id")
    by_language = removed.where(language_key().isin(*languages)).select("blob_id")
    by_source = removed.join(of_sources, "directory_id", how="left_semi").select("blob_id")
    return by_language.unionByName(by_source)


def went_as_near_duplicate() -> Column:
    """Whether a file was removed for its likeness to one that stays."""
    return F.coalesce(F.col("cause").isin(*NEAR_DUPLICATE_RULES), F.lit(False))


def language_key() -> Column:
    """The language by which a file is counted."""
    return F.coalesce("language", F.lit(""))
