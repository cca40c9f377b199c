"""Conditions as SQL: what they say, and that missing values meet them."""

from datetime import UTC, datetime

import pytest

from stackspark.contracts.conditions import (
    AtMost,
    Condition,
    Length,
    OneOf,
    Pattern,
    Present,
    Range,
    Size,
    Sql,
    conjunction,
)
from stackspark.contracts.tables import table_contract, table_names


@pytest.mark.parametrize(
    ("condition", "sql"),
    [
        (Range(minimum=0), "c >= 0"),
        (Range(maximum=1.5), "c <= 1.5"),
        (Range(minimum=0, maximum=1), "c between 0 and 1"),
        (Range(minimum=datetime(2008, 1, 1, tzinfo=UTC)), "c >= timestamp'2008-01-01 00:00:00'"),
        (Length(minimum=1), "length(c) >= 1"),
        (Size(minimum=1), "size(c) >= 1"),
        (OneOf(values=("a", "it's", 3)), r"c in ('a', 'it\'s', 3)"),
        (Pattern(regex=r"^\{"), r"c rlike '^\\{'"),
        (Present(other="status", value="ok"), "(c is not null) = (status <=> 'ok')"),
        (Present(other="n", value=0, is_absent=True), "(c is null) = (n <=> 0)"),
        (AtMost(other="d"), "c <= d"),
        (AtMost(other="d", is_strict=True), "c < d"),
        (Sql(expression="c = trim(c)"), "c = trim(c)"),
    ],
)  # fmt: skip
def test_conditions_as_sql(condition: Condition, sql: str) -> None:
    assert condition.sql("c") == sql


def test_conjunction_keeps_conditions_apart() -> None:
    either = Sql(expression="a or b")
    assert conjunction("c", [either]) == "a or b"
    assert conjunction("c", [either, Range(minimum=0)]) == "(a or b) and (c >= 0)"


def test_at_most_a_fifth_of_all_conditions_is_free_sql() -> None:
    found = [
        condition
        for name in table_names()
        for column in table_contract(name).columns
        for rule in column.rules
        for condition in rule.conditions
    ]
    free = [condition for condition in found if isinstance(condition, Sql)]
    assert len(free) * 5 <= len(found)
    assert {type(condition) for condition in found} == {
        Range, Length, Size, OneOf, Pattern, Present, AtMost, Sql,
    }  # fmt: skip
