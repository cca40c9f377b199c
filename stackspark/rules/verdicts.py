"""Verdicts as rows of `ledger`: every rule of a grain over its rows, in one pass."""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.rules.catalog import RULES, rule_order
from stackspark.rules.rule import Rule, Verdict

VERDICT_TYPE = (
    "struct<rule:string,rule_order:int,step:string,value:double,limit:double,evidence:string>"
)

MAX_EVIDENCE_CHARS = 500


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


def verdict_columns(
    rule: Rule,
    value: Column | None = None,
    limit: Column | float | None = None,
    evidence: Column | None = None,
    step: str | None = None,
) -> list[Column]:
    """Columns of `ledger` after grain and subject_id, for a verdict of one rule.

    `step` is given where another step than the rule's own decided.
    """
    nothing = F.lit(None)
    return [
        F.lit(rule.name).alias("rule"),
        F.lit(rule_order(rule.name)).alias("rule_order"),
        F.lit(step or rule.step).alias("step"),
        (nothing if value is None else value).cast("double").alias("value"),
        (limit if isinstance(limit, Column) else F.lit(limit)).cast("double").alias("limit"),
        F.left(nothing if evidence is None else evidence, F.lit(MAX_EVIDENCE_CHARS))
        .cast("string")
        .alias("evidence"),
    ]


def _verdict(rule: Rule, verdict: Verdict) -> Column:
    columns = verdict_columns(rule, verdict.value, verdict.limit, verdict.evidence)
    return F.when(verdict.fails, F.struct(*columns)).cast(VERDICT_TYPE)
