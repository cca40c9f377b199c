"""Verdicts as columns and rows; `catalog.ordered` makes rows of `ledger` of them."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from stackspark.rules.rule import Rule

VERDICT_COLUMNS = ("grain", "subject_id", "rule", "step", "value", "limit", "evidence")
"""Columns of `ledger` but `rule_order`, which all rules together decide."""

VERDICT_TYPE = "struct<rule:string,step:string,value:double,limit:double,evidence:string>"

MAX_EVIDENCE_CHARS = 500


def verdict_columns(
    rule: Rule,
    value: Column | None = None,
    limit: Column | float | None = None,
    evidence: Column | None = None,
    step: str | None = None,
) -> list[Column]:
    """`VERDICT_COLUMNS` after grain and subject_id, for a verdict of one rule.

    `step` is given where another step than the rule's own decided.
    """
    nothing = F.lit(None)
    return [
        F.lit(rule.name).alias("rule"),
        F.lit(step or rule.step).alias("step"),
        (nothing if value is None else value).cast("double").alias("value"),
        (limit if isinstance(limit, Column) else F.lit(limit)).cast("double").alias("limit"),
        F.left(nothing if evidence is None else evidence, F.lit(MAX_EVIDENCE_CHARS))
        .cast("string")
        .alias("evidence"),
    ]
