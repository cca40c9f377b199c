import re

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract
from stackspark.errors import InvalidParamsError
from stackspark.ledger.list_verdicts import list_verdicts
from stackspark.ledger.verdicts import (
    MAX_EVIDENCE_CHARS,
    RULE_ORDER,
    Rule,
    add_verdicts,
    rule_order,
)


def test_rule_order_is_that_of_the_contract() -> None:
    """`exact_duplicate` is derived and never a row of the ledger."""
    rules = {column.name: column.rules for column in table_contract("ledger").columns}
    declared = re.findall(r"'(\w+)'", rules["rule"][0].expression)
    assert declared == [rule for rule in RULE_ORDER if rule != "exact_duplicate"]


def test_rule_order_refuses_strangers() -> None:
    with pytest.raises(InvalidParamsError, match="RULE_ORDER, found 'no_rule'"):
        rule_order("no_rule")


def test_verdicts_of_two_stages_become_rows_of_the_ledger(spark: SparkSession) -> None:
    blobs = spark.createDataFrame(
        [("a" * 40, 7), ("b" * 40, 3), ("c" * 40, None)], "blob_id string, size int"
    )
    size = F.col("size")
    rules = [
        Rule(name="too_large", fails=size > 5, value=size, limit=5),
        Rule(name="binary", fails=size > 6, evidence=F.lit("x" * 2 * MAX_EVIDENCE_CHARS)),
    ]
    judged = add_verdicts(blobs, "one", rules)
    judged = add_verdicts(judged, "two", [Rule(name="empty", fails=size < 4)])
    ledger = list_verdicts(judged, "blob")
    assert ledger.columns == table_contract("ledger").column_names
    assert [tuple(row) for row in ledger.orderBy("rule_order").collect()] == [
        ("blob", "a" * 40, "too_large", 2, "one", 7.0, 5.0, None),
        ("blob", "a" * 40, "binary", 3, "one", None, None, "x" * MAX_EVIDENCE_CHARS),
        ("blob", "b" * 40, "empty", 5, "two", None, None, None),
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
    judged = add_verdicts(files, "one", [Rule(name="empty", fails=F.lit(True))])
    verdict = list_verdicts(judged, grain).first()
    assert verdict is not None
    assert (verdict.grain, verdict.subject_id) == (grain, subject)
