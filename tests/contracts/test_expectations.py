"""Contracts in Great Expectations' words: the same rows are bad as SQL says, for every kind."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from stackspark.contracts.conditions import (
    AtMost,
    Length,
    OneOf,
    Pattern,
    Present,
    Range,
    Size,
    Sql,
)
from stackspark.contracts.constraints import delta_constraints
from stackspark.contracts.expectations import expectations
from stackspark.contracts.gate import KEY_RULE, great_expectations
from stackspark.contracts.tables import Column, Rule, TableContract, table_contract

KINDS = {
    "amount": ("bigint", Range(minimum=0, maximum=5)),
    "share": ("double", Range(minimum=0)),
    "word": ("string", Length(minimum=2)),
    "color": ("string", OneOf(values=("red", "it's"))),
    "code": ("string", Pattern(regex=r"^\{[0-9a-f]{2}$")),
    "detail": ("string", Present(other="color", value="red")),
    "missing": ("string", Present(other="amount", value=0, is_absent=True)),
    "least": ("bigint", AtMost(other="amount")),
    "below": ("bigint", AtMost(other="amount", is_strict=True)),
    "parts": ("array<string>", Size(minimum=1)),
    "trimmed": ("string", Sql(expression="trimmed = trim(trimmed)")),
}


def _column(name: str, kind: str, *, required: bool, conditions: tuple[Any, ...]) -> Column:
    rules = (Rule(name=f"{name}_valid", column=name, conditions=conditions),) if conditions else ()
    return Column(
        name=name, data_type=kind, required=required, meaning="", unit=None, group=None,
        holds=None, rules=rules,
    )  # fmt: skip


CONTRACT = TableContract(
    name="made_up",
    version="1",
    grain="",
    columns=(
        _column("id", "bigint", required=True, conditions=()),
        *(
            _column(name, kind, required=False, conditions=(condition,))
            for name, (kind, condition) in KINDS.items()
        ),
    ),
    key=("id",),
)


def _random_rows(chance: random.Random, count: int) -> Iterator[tuple[Any, ...]]:
    def one(*values: Any) -> Any:
        return chance.choice((*values, None))

    numbers = (-1, 0, 2, 5, 6)
    for number in range(count):
        yield (
            one(number) if chance.random() < 0.05 else max(0, number - chance.randrange(2)),
            one(*numbers), one(-0.5, 0.0, 1.0), one("", "a", "ab", "\u00e9\u00e9"),
            one("red", "it's", "Red", ""), one("{0a", "{0A", "0a", "{0a\n", "x{0a"),
            one("there"), one("there"), one(*numbers), one(*numbers), one([], ["a"], [None]),
            one("a", " a", ""),
        )  # fmt: skip


def _validated(df: DataFrame, contract: TableContract) -> list[Any]:
    gx = great_expectations()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_spark("spark", persist=False).add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": df})
    suite = gx.ExpectationSuite("made_up", expectations(contract))
    results: list[Any] = batch.validate(suite, result_format="SUMMARY").results
    return results


@pytest.mark.parametrize("seed", [1, 2])
def test_expectations_and_sql_find_the_same_rows(spark: SparkSession, seed: int) -> None:
    df = spark.createDataFrame(list(_random_rows(random.Random(seed), 150)), CONTRACT.ddl.replace(
        " not null", ""
    )).cache()  # fmt: skip
    by_rule: Counter[str] = Counter()
    for result in _validated(df, CONTRACT):
        assert not result.exception_info.get("raised_exception"), result
        rule = result.expectation_config.meta["rule"]
        by_rule[rule] += result.result.get("unexpected_count", result.result.get("observed_value"))
        assert result.success is (by_rule[rule] == 0)
    for name, sql in delta_constraints(CONTRACT).items():
        num_bad = df.where(f"not ({sql})").count()
        assert by_rule[name] == num_bad > 0, name
    repeated = df.groupBy("id").count().where("id is not null and count > 1")
    assert by_rule[KEY_RULE] == repeated.agg({"count": "sum"}).collect()[0][0]


def test_every_rule_of_a_contract_is_expected() -> None:
    contract = table_contract("contents")
    rules = {each.meta["rule"] for each in expectations(contract)}
    assert rules == {KEY_RULE, *delta_constraints(contract)}


def test_a_key_of_several_columns_is_one_expectation() -> None:
    first = expectations(table_contract("files"))[0]
    assert first.configuration.type == "expect_compound_columns_to_be_unique"
    assert first.column_list == ["directory_id", "path"]
