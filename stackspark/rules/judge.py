"""All rules over the tables, and the fate of every file before duplicates are looked for."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.resolve_verdicts import resolve_verdicts
from stackspark.rules.catalog import NEAR_DUPLICATE_RULES, RULES, FiltersParams
from stackspark.rules.declared.statuses import SECTION, StatusesParams
from stackspark.rules.list_verdicts import list_verdicts
from stackspark.rules.rule import Rule, Verdict
from stackspark.rules.verdicts import VERDICT_TYPE, verdict_columns

Tables = Mapping[str, DataFrame]


def rule_verdicts(tables: Tables, filters: FiltersParams, max_text_bytes: int) -> DataFrame:
    """Apply every rule that looks at one file, one blob, or a blob under a name.

    Args:
        tables: `files`, `contents`, `measurements`, `file_languages` and `licenses`; the column
            `content` is not read.
        filters: parameters of the rules.
        max_text_bytes: the length from which contents were called too large.
    Returns:
        Rows with `VERDICT_COLUMNS` for what the files of this run hold; other blobs of the lake are
        left out.
    Shuffles: narrow rows, by blob_id and by (directory_id, path).
    """
    sections = {**vars(filters), SECTION: StatusesParams(max_length_bytes=max_text_bytes)}
    files, measurements = tables["files"], tables["measurements"]
    blobs = files.select("blob_id").distinct()
    named = files.select("blob_id", "name").distinct()
    contents = tables["contents"].join(blobs, "blob_id", how="left_semi")
    languages = tables["file_languages"].join(named, ["blob_id", "name"], how="left_semi")
    rows = {
        "blob": contents.join(measurements, "blob_id", how="left"),
        "named_blob": languages.join(measurements, "blob_id", how="left"),
        "file": files.join(tables["licenses"], ["directory_id", "path"], how="left"),
    }
    found = [
        list_verdicts(add_verdicts(table, grain, sections), grain) for grain, table in rows.items()
    ]
    return reduce(DataFrame.unionByName, found)


def add_verdicts(
    rows: DataFrame, grain: str, sections: Mapping[str, Any], rules: tuple[Rule, ...] = RULES
) -> DataFrame:
    """Append the verdicts of all rules of a grain to its rows.

    Args:
        rows: one row per subject of the grain, with the columns that its rules look at.
        grain: blob, named_blob or file.
        sections: parameters by `Rule.section`.
        rules: the rules to apply.
    Returns:
        The same rows with `verdicts`, an array of `VERDICT_TYPE`, null where a rule spares the row.
    """
    found = [
        _verdict(rule, rule.verdicts[grain](sections.get(rule.section or "")))
        for rule in rules
        if grain in rule.verdicts
    ]
    return rows.withColumn("verdicts", F.array(*found))


def without_duplicates(ledger: DataFrame) -> DataFrame:
    """The verdicts of the rules that decide before duplicates are looked for."""
    return ledger.where(~F.col("rule").isin(*NEAR_DUPLICATE_RULES))


def resolved(tables: Tables, verdicts: DataFrame) -> DataFrame:
    """The fate of each file before duplicates are looked for; see `resolve_verdicts`."""
    return resolve_verdicts(tables["files"], tables["file_languages"], tables["origins"], verdicts)


def _verdict(rule: Rule, verdict: Verdict) -> Column:
    columns = verdict_columns(rule, verdict.value, verdict.limit, verdict.evidence)
    return F.when(verdict.fails, F.struct(*columns)).cast(VERDICT_TYPE)
