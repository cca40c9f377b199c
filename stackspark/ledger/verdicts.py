"""Rules that reject files: their fixed order, and how a stage declares them.

Each family of rules is one stage, `filter_<family>`, that adds its verdicts to the rows it is given
and removes nothing. Stages follow each other over the same rows, so that all rules of one grain are
evaluated in a single pass; `list_verdicts` then makes rows of `ledger` of them. A new rule is a
place in `RULE_ORDER`, a `Rule` in one stage, and its name in ``schemas/ledger.yaml``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.errors import InvalidParamsError

RULE_ORDER = (
    "not_a_file",
    "opt_out",
    "too_large",
    "binary",
    "undecodable",
    "empty",
    "license",
    "license_elsewhere",
    "excluded_pair",
    "excluded_language",
    "num_lines",
    "avg_line_length",
    "max_line_length",
    "generated",
    "generated_marker",
    "alpha_fraction",
    "alphanum_fraction",
    "encoded_run",
    "encoded_fraction",
    "data_language_lines",
    "html_visible_text",
    "text_file_name",
    "contamination",
    "exact_duplicate",
    "normalized_duplicate",
    "near_duplicate",
)
"""The cause of a file's removal is the first of these that holds."""

NEAR_DUPLICATE_RULES = ("normalized_duplicate", "near_duplicate")
"""Causes that the search for near-duplicates finds."""

VERDICT_TYPE = (
    "struct<rule:string,rule_order:int,stage:string,value:double,limit:double,evidence:string>"
)

MAX_EVIDENCE_CHARS = 500


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One reason to reject a row.

    Attributes:
        name: a name of `RULE_ORDER`.
        fails: true where the row is rejected; null spares it, as nothing was measured.
        value: what was measured; None for rules that do not measure.
        limit: the limit that `value` is on the wrong side of.
        evidence: what proves the verdict, cut at `MAX_EVIDENCE_CHARS`.
    """

    name: str
    fails: Column
    value: Column | None = None
    limit: Column | float | None = None
    evidence: Column | None = None


def rule_order(name: str) -> int:
    """Place of a rule in the fixed order.

    Raises:
        InvalidParamsError: if the rule is in no order.
    """
    if name not in RULE_ORDER:
        raise InvalidParamsError(f"needed a rule of RULE_ORDER, found {name!r}; add it there")
    return RULE_ORDER.index(name)


def add_verdicts(rows: DataFrame, stage: str, rules: Sequence[Rule]) -> DataFrame:
    """Append the verdicts of some rules to a row's `verdicts`, null where a rule spares it.

    Args:
        rows: any grain; has a column `verdicts` if another stage went before.
        stage: name of the stage that decides.
        rules: the stage's rules.
    Returns:
        The same rows with `verdicts`, an array of `VERDICT_TYPE`.
    """
    new = F.array(*(_verdict(stage, rule) for rule in rules))
    verdicts = F.concat("verdicts", new) if "verdicts" in rows.columns else new
    return rows.withColumn("verdicts", verdicts)


def verdict_columns(
    rule: str,
    stage: str,
    value: Column | None = None,
    limit: Column | float | None = None,
    evidence: Column | None = None,
) -> list[Column]:
    """Columns of `ledger` after grain and subject_id, for a verdict of one rule."""
    nothing = F.lit(None)
    return [
        F.lit(rule).alias("rule"),
        F.lit(rule_order(rule)).alias("rule_order"),
        F.lit(stage).alias("stage"),
        (nothing if value is None else value).cast("double").alias("value"),
        (limit if isinstance(limit, Column) else F.lit(limit)).cast("double").alias("limit"),
        F.left(nothing if evidence is None else evidence, F.lit(MAX_EVIDENCE_CHARS))
        .cast("string")
        .alias("evidence"),
    ]


def _verdict(stage: str, rule: Rule) -> Column:
    columns = verdict_columns(rule.name, stage, rule.value, rule.limit, rule.evidence)
    return F.when(rule.fails, F.struct(*columns)).cast(VERDICT_TYPE)
