"""Rules that no single table can break: what the verdicts keep, held against every other table.

Each is asked of the tables themselves, not of the verdict that should have seen to it, so a rule
that was lost on the way (a join on the wrong key, a stage that was left out) is found before the
kept files become documents and shards.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.subjects import file_subject, subjects

COLUMNS = ("rule", "num_bad", "example")
"""One row per rule; `example` is the least of the subjects that break it, or null."""
FILE = ("directory_id", "path")


@dataclass(frozen=True, kw_only=True)
class CountBreachesParams:
    """Limits that a kept file must keep; the same as in the rules that reject."""

    kept_types: tuple[str, ...] = ("permissive", "no_license")
    ignored_benchmarks: tuple[str, ...] = ()


def count_breaches(
    file_verdicts: DataFrame,
    tables: Mapping[str, DataFrame],
    params: CountBreachesParams = CountBreachesParams(),
) -> DataFrame:
    """Count what breaks each rule across tables.

    Args:
        file_verdicts: one row per file, as `finalize_verdicts` has it.
        tables: `files`, `origins`, `licenses`, `measurements` and `ledger` of the run.
        params: what a kept file may have.

    Returns:
        Rows with `COLUMNS`, one per rule.
    Shuffles: a 64-bit hash per file and grain; kept files by (directory_id, path), twice.
    """
    kept = file_verdicts.where(F.col("status") == "kept")
    breaches = {
        "ledger_subjects_exist": _strange_subjects(tables["ledger"], tables["files"]),
        "twins_stay": _lost_twins(file_verdicts, kept),
        "kept_licenses_are_allowed": _refused_licenses(kept, tables["licenses"], params),
        "no_opted_out_origin": _opted_out(kept, tables["origins"], tables["ledger"]),
        "no_benchmark_text": _contaminated(kept, tables["measurements"], params),
    }
    return reduce(DataFrame.unionByName, _counts(breaches))


def _counts(breaches: Mapping[str, DataFrame]) -> Iterator[DataFrame]:
    for rule, rows in breaches.items():
        counts = [F.count("*").alias("num_bad"), F.min("subject").alias("example")]
        yield rows.agg(*counts).select(F.lit(rule).alias("rule"), *COLUMNS[1:])


def _strange_subjects(ledger: DataFrame, files: DataFrame) -> DataFrame:
    """Verdicts on what no file of this run is; an origin that opted out was never listed."""
    of_files = [_key(F.lit(grain), subject) for grain, subject in subjects().items()]
    known = files.select(F.explode(F.array(*of_files)).alias("key")).distinct()
    judged = ledger.where(F.col("grain") != "origin").select(
        F.col("subject_id").alias("subject"), _key("grain", "subject_id").alias("key")
    )
    return judged.join(known, "key", how="left_anti").select("subject")


def _key(grain: Column | str, subject: Column | str) -> Column:
    return F.xxhash64(grain, subject)


def _lost_twins(file_verdicts: DataFrame, kept: DataFrame) -> DataFrame:
    """Duplicates without a twin, or with one that does not stay."""
    repeated = file_verdicts.where(F.col("cause").like("%duplicate")).select(
        file_subject().alias("subject"),
        *(F.col(f"kept_{name}").alias(name) for name in FILE),
    )
    return repeated.join(kept.select(*FILE), list(FILE), how="left_anti").select("subject")


def _refused_licenses(
    kept: DataFrame, licenses: DataFrame, params: CountBreachesParams
) -> DataFrame:
    allowed = licenses.where(F.col("license_type").isin(*params.kept_types)).select(*FILE)
    refused = kept.join(allowed, list(FILE), how="left_anti")
    return refused.select(file_subject().alias("subject"))


def _opted_out(kept: DataFrame, origins: DataFrame, ledger: DataFrame) -> DataFrame:
    """Kept files of an origin that opted out, and origins that did so before they were listed."""
    refused = ledger.where((F.col("grain") == "origin") & (F.col("rule") == "opt_out"))
    urls = refused.select(
        F.col("subject_id").alias("origin_url"),
        (F.col("step") == "list").alias("is_early"),
    )
    listed = origins.join(urls, "origin_url", how="inner")
    early = listed.where("is_early").select(F.col("origin_url").alias("subject"))
    late = kept.join(listed.select("directory_id"), "directory_id", how="left_semi")
    return early.unionByName(late.select(file_subject().alias("subject")))


def _contaminated(
    kept: DataFrame, measurements: DataFrame, params: CountBreachesParams
) -> DataFrame:
    matches = F.filter(
        "benchmark_matches", lambda match: ~match["benchmark"].isin(*params.ignored_benchmarks)
    )
    found = measurements.where(F.size(matches) > 0).select("blob_id")
    return kept.join(found, "blob_id", how="left_semi").select(file_subject().alias("subject"))
