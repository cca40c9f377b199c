"""Small tables for the report: each a pure function from a big DataFrame to a bounded one.

`file_verdicts` below is one row per file of `files`, with `status` (kept, removed or
quarantined), `cause` (null for kept files), `blob_id`, `language` and `length_bytes`.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.rules.declared.opt_outs import OPT_OUT


def _log_edges(decades: int, per_decade: int) -> tuple[float, ...]:
    steps = range(decades * per_decade + 1)
    return (0.0, *(round(10.0 ** (step / per_decade), 6) for step in steps))


_FRACTION_EDGES = tuple(step / 20 for step in range(21))

EDGES: Mapping[str, tuple[float, ...]] = {
    "length_bytes": _log_edges(9, 3),
    "num_lines": _log_edges(6, 4),
    "avg_line_length": _log_edges(5, 4),
    "max_line_length": _log_edges(7, 4),
    "alpha_fraction": _FRACTION_EDGES,
    "encoded_fraction": _FRACTION_EDGES,
}
"""Bin edges per metric: powers of ten lie on an edge, where the limits usually are."""


NEAR_TWIN = "near_duplicate_elsewhere"
"""Conflict of a kept file: a near-duplicate that it stands for is not permissive in some place."""

NUM_LICENSE_TYPES = 3


def count_files(file_verdicts: DataFrame) -> DataFrame:
    """Count files and bytes per fate and language: the funnel and the languages in one pass.

    Returns:
        One row per (`status`, `cause`, `language`) with `num_files`, `size_bytes`; some ten
        thousand rows at most.
    """
    return file_verdicts.groupBy("status", "cause", "language").agg(*_totals())


def count_licenses(file_licenses: DataFrame, top: int = 20) -> DataFrame:
    """Count files per set of licences, and per license type.

    Args:
        file_licenses: one row per file: `detected_licenses`, `license_type`, `status`,
            `length_bytes`.
        top: number of sets that are returned; those of most kept files.
    Returns:
        Rows (`license_type`, `expression`, `is_total`, `num_files`, `size_bytes`,
        `num_kept_files`, `kept_bytes`); a file is counted once, under all its licences joined.
    """
    is_kept = F.col("status") == "kept"
    counts = (
        file_licenses.withColumn("expression", F.array_join("detected_licenses", ", "))
        .rollup("license_type", "expression")
        .agg(
            F.grouping_id().alias("level"),
            *_totals(),
            F.count_if(is_kept).alias("num_kept_files"),
            _sum_bytes(F.when(is_kept, F.col("length_bytes"))).alias("kept_bytes"),
        )
        .where("level < 3")
        .withColumn("is_total", F.col("level") == 1)
    )
    order = [F.desc("is_total"), F.desc("num_kept_files"), F.desc("num_files")]
    ordered = counts.orderBy(*order, "license_type", "expression")
    return ordered.limit(top + NUM_LICENSE_TYPES).drop("level")


def count_conflicts(file_licenses: DataFrame, near_duplicates: DataFrame) -> DataFrame:
    """Count files by what speaks against the decision on their licence.

    Args:
        file_licenses: one row per file: `blob_id`, `license_type`, `license_conflicts`, `status`.
        near_duplicates: (`blob_id`, `kept_blob_id`).
    Returns:
        Rows (`conflict`, `license_type`, `num_files`, `num_kept_files`); `NEAR_TWIN` counts the
        kept files that stand for a near-duplicate which is not permissive in some place.
    """
    is_kept = F.count_if(F.col("status") == "kept").alias("num_kept_files")
    exploded = file_licenses.withColumn("conflict", F.explode("license_conflicts"))
    counts = [F.count("*").alias("num_files"), is_kept]
    barred = file_licenses.where(F.col("license_type") == "non_permissive").select("blob_id")
    twins = near_duplicates.join(barred.distinct(), "blob_id", how="left_semi")
    kept = twins.select(F.col("kept_blob_id").alias("blob_id")).distinct()
    standing = file_licenses.where(F.col("status") == "kept").join(kept, "blob_id", how="left_semi")
    return (
        exploded.unionByName(standing.withColumn("conflict", F.lit(NEAR_TWIN)))
        .groupBy("conflict", "license_type")
        .agg(*counts)
    )


def count_bins(blobs: DataFrame, edges: Mapping[str, Sequence[float]] = EDGES) -> DataFrame:
    """Histograms of all metrics that the table has, in one pass.

    Args:
        blobs: one row per blob; its columns that `edges` names are counted, nulls apart.
        edges: ascending bin edges per metric; the last bin takes all values above it.
    Returns:
        Rows (`metric`, `bin`, `num_blobs`) for the bins that are not empty.
    """
    metrics = [metric for metric in edges if metric in blobs.columns]
    bins = F.array(
        *(
            F.struct(F.lit(metric).alias("metric"), _bin(metric, edges[metric]).alias("bin"))
            for metric in metrics
        )
    )
    exploded = blobs.select(F.explode(bins).alias("item")).select("item.metric", "item.bin")
    counted = exploded.where(F.col("bin").isNotNull()).groupBy("metric", "bin")
    return counted.agg(F.count("*").alias("num_blobs"))


def count_quarantine(quarantine: DataFrame) -> DataFrame:
    """Count inputs that could not be used by what is wrong, with two examples of each.

    Returns:
        Rows (`error_class`, `grain`, `num_inputs`, `examples`); an example is a struct
        (`source`, `key`, `message`).
    """
    example = F.struct("source", "key", "message")
    examples = F.array_distinct(F.array(F.min(example), F.max(example)))
    grouped = quarantine.groupBy("error_class", "grain")
    return grouped.agg(F.count("*").alias("num_inputs"), examples.alias("examples"))


def first_removed(file_verdicts: DataFrame, origins: DataFrame) -> DataFrame:
    """The removed file with the least name, for people to ask about; none that opted out.

    Returns:
        One row (`repo_name`, `path`), or none.
    """
    removed = file_verdicts.where((F.col("status") == "removed") & (F.col("cause") != OPT_OUT.name))
    least = removed.agg(F.min(F.struct("path", "directory_id")).alias("file")).select("file.*")
    named = origins.select("directory_id", "repo_name")
    return named.join(F.broadcast(least), "directory_id", how="inner").select("repo_name", "path")


def count_sources(origins: DataFrame) -> DataFrame:
    """Count what each source listed: rows (`source`, `num_origins`, `num_files`)."""
    files = F.sum("num_files").alias("num_files")
    return origins.groupBy("source").agg(F.count("*").alias("num_origins"), files)


def _totals() -> tuple[Column, Column]:
    return F.count("*").alias("num_files"), _sum_bytes(F.col("length_bytes")).alias("size_bytes")


def _sum_bytes(length_bytes: Column) -> Column:
    """Files that were not fetched have no length and add nothing."""
    return F.coalesce(F.sum(length_bytes), F.lit(0))


def _bin(metric: str, edges: Sequence[float]) -> Column:
    """Number of inner edges at or below the value: the same bin everywhere, without a logarithm."""
    value = F.col(metric)
    return reduce(add, ((value >= edge).cast("int") for edge in edges[1:-1]))
