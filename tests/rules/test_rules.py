"""The catalogue of rules holds together, and verdicts become rows of the ledger."""

import re
from dataclasses import fields

import pytest
from places import REPOSITORY
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract
from stackspark.errors import InvalidParamsError
from stackspark.ledger.subjects import GRAINS
from stackspark.rules.catalog import (
    LEDGER_RULES,
    RULE_ORDER,
    RULES,
    FiltersParams,
    ordered,
    rule_order,
)
from stackspark.rules.declared import statuses
from stackspark.rules.judge import add_verdicts
from stackspark.rules.list_verdicts import list_verdicts
from stackspark.rules.rule import Rule, Verdict
from stackspark.rules.verdicts import MAX_EVIDENCE_CHARS

PACKAGE = REPOSITORY / "stackspark"
DECLARED = re.compile(r'^[A-Z_]+ = Rule\(\n    name="(\w+)"', re.MULTILINE)


def _rule(name: str, verdict: Verdict, grain: str = "blob") -> Rule:
    return Rule(name=name, title="", description="", source="", verdicts={grain: lambda _: verdict})


def test_rule_order_is_that_of_the_contract() -> None:
    rules = {column.name: column.rules for column in table_contract("ledger").columns}
    declared = re.findall(r"'(\w+)'", rules["rule"][0].expression)
    assert tuple(declared) == LEDGER_RULES


def test_rule_order_refuses_strangers() -> None:
    with pytest.raises(InvalidParamsError, match="RULES, found 'no_rule'"):
        rule_order("no_rule")


@pytest.mark.parametrize("rule", RULES, ids=RULE_ORDER)
def test_rule_is_declared_whole(rule: Rule) -> None:
    assert all((rule.title, rule.description, rule.source, rule.kinds, rule.grains))
    assert set(rule.grains) <= set(GRAINS)
    assert rule.quantity or not rule.unit


def test_every_section_of_parameters_is_one_of_a_rule() -> None:
    sections = {rule.section for rule in RULES if rule.section}
    assert sections == {each.name for each in fields(FiltersParams)} | {statuses.SECTION}


def test_every_rule_that_is_declared_is_in_the_order_once() -> None:
    paths = PACKAGE.joinpath("rules", "declared").glob("*.py")
    texts = [path.read_text(encoding="utf-8") for path in paths]
    assert sorted(DECLARED.findall("\n".join(texts))) == sorted(RULE_ORDER)


def test_every_rule_without_an_expression_is_decided_elsewhere() -> None:
    """A rule that is declared and never runs would be silent."""
    rules = PACKAGE / "rules"
    others = [path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(rules)]
    text = "\n".join(path.read_text(encoding="utf-8") for path in others)
    silent = [
        rule.name
        for rule in RULES
        if not rule.verdicts and not re.search(rf"\b{rule.name.upper()}\b", text)
    ]
    assert not silent


def test_verdicts_become_rows_of_the_ledger(spark: SparkSession) -> None:
    blobs = spark.createDataFrame(
        [("a" * 40, 7), ("b" * 40, 3), ("c" * 40, None)], "blob_id string, size int"
    )
    size, long = F.col("size"), F.lit("x" * 2 * MAX_EVIDENCE_CHARS)
    rules = (
        _rule("too_large", Verdict(fails=size > 5, value=size, limit=5)),
        _rule("binary", Verdict(fails=size > 6, evidence=long)),
        _rule("empty", Verdict(fails=size < 4)),
        _rule("license", Verdict(fails=F.lit(True)), grain="file"),
    )
    ledger = ordered(list_verdicts(add_verdicts(blobs, "blob", {}, rules), "blob"))
    assert ledger.columns == table_contract("ledger").column_names
    places = [rule_order(name) for name in ("too_large", "binary", "empty")]
    assert [tuple(row) for row in ledger.orderBy("rule_order").collect()] == [
        ("blob", "a" * 40, "too_large", places[0], "verdicts", 7.0, 5.0, None),
        ("blob", "a" * 40, "binary", places[1], "verdicts", None, None, "x" * MAX_EVIDENCE_CHARS),
        ("blob", "b" * 40, "empty", places[2], "verdicts", None, None, None),
    ]


@pytest.mark.parametrize(
    ("grain", "subject"),
    [
        ("content", "c" * 40),
        ("blob", "b" * 40),
        ("named_blob", "b" * 40 + "/x.py"),
        ("file", "d" * 40 + "/src/x.py"),
    ],
)
def test_verdict_names_its_subject(spark: SparkSession, grain: str, subject: str) -> None:
    row = ("d" * 40, "/src/x.py", "x.py", "b" * 40, "c" * 40)
    schema = "directory_id string, path string, name string, blob_id string, content_id string"
    files = spark.createDataFrame([row], schema)
    rules = (_rule("empty", Verdict(fails=F.lit(True)), grain),)
    judged = add_verdicts(files, grain, {}, rules)
    verdict = list_verdicts(judged, grain).first()
    assert verdict is not None
    assert (verdict.grain, verdict.subject_id) == (grain, subject)
