"""The gate on small tables with planted faults; counts and examples are known."""

import json
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from stackspark.contracts.gate import TableRule, check_rules, check_table, failed_message, preload
from stackspark.contracts.tables import table_contract

QUARANTINE = table_contract("quarantine")
CONTENTS = table_contract("contents")


def quarantine(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    return spark.createDataFrame(list(rows), QUARANTINE.ddl.replace("not null", ""))


def contents(spark: SparkSession, status: str, content: str | None) -> DataFrame:
    row = ("a" * 40, "b" * 40, 1, status, "utf-8" if status == "ok" else None, None, content, 1)
    return spark.createDataFrame([row], CONTENTS.ddl)


GOOD = ("git:/r", "k1", "entry", "bad_path", "m")


def test_check_table_passes_good_rows(spark: SparkSession) -> None:
    result = check_table(quarantine(spark, GOOD, ("git:/r", "k2", *GOOD[2:])), QUARANTINE)
    assert result.ok
    assert (result.table, result.version, result.num_rows) == ("quarantine", "1.0.0", 2)
    assert failed_message(result) == ""
    assert {rule.rule for rule in result.rules} >= {"key_required", "key_valid", "key_unique"}


def test_check_table_passes_a_table_without_rows(spark: SparkSession) -> None:
    result = check_table(quarantine(spark), QUARANTINE)
    assert (result.ok, result.num_rows) == (True, 0)


def test_check_table_counts_bad_rows_and_shows_them(spark: SparkSession) -> None:
    rows = [
        GOOD,
        ("git:/r", "k2", "planet", "bad_path", "m"),
        ("git:/r", "k3", "moon", "bad_path", "m"),
        ("git:/r", None, "entry", "bad_path", "m"),
    ]
    result = check_table(quarantine(spark, *rows), QUARANTINE)
    failed = {rule.rule: rule for rule in result.rules if not rule.ok}
    assert set(failed) == {"grain_valid", "key_required"}
    assert failed["grain_valid"].num_bad == 2
    assert [row["grain"] for row in failed["grain_valid"].example_rows] == ["planet", "moon"]
    assert failed["key_required"].num_bad == 1
    lines = failed_message(result).splitlines()
    assert len(lines) == 2
    assert "table quarantine breaks rule grain_valid: 2 of 4 rows" in "\n".join(lines)


def test_check_table_counts_repeated_keys_exactly(spark: SparkSession) -> None:
    other = ("git:/r", "k2", *GOOD[2:])
    result = check_table(quarantine(spark, GOOD, GOOD, GOOD, other, other), QUARANTINE)
    (failed,) = (rule for rule in result.rules if not rule.ok)
    assert (failed.rule, failed.num_bad) == ("key_unique", 3)
    assert [(row["key"], row["num_rows"]) for row in failed.example_rows] == [("k1", 3), ("k2", 2)]


def test_check_table_tells_keys_apart_that_share_a_hash(spark: SparkSession) -> None:
    # A null adds nothing to the hash, so these two keys have the same.
    rows = [("a", None, "entry", "e", "m"), (None, "a", "entry", "e", "m")]
    result = check_table(quarantine(spark, *rows), QUARANTINE)
    assert next(rule for rule in result.rules if rule.rule == "key_unique").ok


def test_check_table_shows_five_examples_at_most_and_cuts_them(spark: SparkSession) -> None:
    rows = [("git:/r", f"{number}", "x" * 1000, "e", "m") for number in range(9)]
    result = check_table(quarantine(spark, *rows), QUARANTINE)
    (failed,) = (rule for rule in result.rules if not rule.ok)
    assert [row["key"] for row in failed.example_rows] == ["0", "1", "2", "3", "4"]
    assert len(failed.example_rows[0]["grain"]) == 200


def test_check_table_takes_rules_of_the_caller(spark: SparkSession) -> None:
    rules = [TableRule("conservation", False, "3 files in, 2 out"), TableRule("twins", True, "")]
    result = check_table(quarantine(spark, GOOD), QUARANTINE, rules)
    assert not result.ok
    message = failed_message(result)
    assert message == "table quarantine breaks rule conservation: 3 files in, 2 out"


def test_check_rules_judges_what_the_caller_found_and_keeps_its_lines() -> None:
    rules = [
        TableRule("rates", False, "1 rate is too high", ("C: 9 of 10",)),
        TableRule("twins", True, "all stay", ("not shown",)),
    ]
    result = check_rules(QUARANTINE, 7, rules)
    assert (result.table, result.version, result.num_rows, result.ok) == (
        "quarantine", "1.0.0", 7, False,
    )  # fmt: skip
    assert [(rule.rule, rule.ok, rule.num_bad, rule.lines) for rule in result.rules] == [
        ("rates", False, 1, ("C: 9 of 10",)),
        ("twins", True, 0, ()),
    ]
    assert failed_message(result) == "table quarantine breaks rule rates: 1 rate is too high"
    assert check_rules(QUARANTINE, 7, rules[1:]).ok


def test_check_table_reads_content_again_only_where_no_constraint_kept_it(
    spark: SparkSession,
) -> None:
    bad = contents(spark, "binary", "text that must not be here")
    assert "breaks rule content_valid" in failed_message(check_table(bad, CONTENTS))
    trusted = check_table(bad.drop("content"), CONTENTS, constrained=True)
    rule = next(rule for rule in trusted.rules if rule.rule == "content_valid")
    assert (rule.ok, rule.checked_by) == (True, "constraint")


def test_to_json_holds_the_whole_result(spark: SparkSession) -> None:
    bad = ("git:/r", "k2", "planet", "bad_path", "m")
    document = json.loads(check_table(quarantine(spark, bad), QUARANTINE).to_json())
    assert (document["table"], document["ok"], document["num_rows"]) == ("quarantine", False, 1)
    failed = [rule for rule in document["rules"] if not rule["ok"]]
    assert failed[0]["example_rows"][0]["grain"] == "planet"


def test_check_table_prints_nothing(spark: SparkSession, capfd: pytest.CaptureFixture[str]) -> None:
    check_table(quarantine(spark, GOOD), QUARANTINE)
    assert capfd.readouterr() == ("", "")


def test_preload_imports_great_expectations() -> None:
    import sys

    thread = preload()
    thread.join(timeout=120)
    assert not thread.is_alive()
    assert "great_expectations" in sys.modules
