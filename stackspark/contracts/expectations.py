"""Contracts as suites of Great Expectations: one expectation for each thing that a contract says.

The gate of a run does not use them, because each starts jobs of its own; they are for whoever
checks a published table with Great Expectations itself.
"""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

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
)
from stackspark.contracts.gate import KEY_RULE, great_expectations
from stackspark.contracts.tables import Column, TableContract


def expectations(contract: TableContract) -> list[Any]:
    """Every expectation that a contract amounts to, in the order of its columns.

    `meta` of each names the rule that it comes from, as the gate does.
    """
    found = [*_unique(contract.key)]
    for column in contract.columns:
        if column.required:
            found.append(_new("ValuesToNotBeNull", f"{column.name}_required", column=column.name))
        found += _of_column(column)
    return found


def _of_column(column: Column) -> Iterator[Any]:
    for rule in column.rules:
        for condition in rule.conditions:
            for each in _expected(condition, rule.column):
                each.meta = {"rule": rule.name}
                yield each


def _unique(key: Sequence[str]) -> Iterator[Any]:
    if len(key) == 1:
        yield _new("ValuesToBeUnique", KEY_RULE, column=key[0])
    else:
        core = great_expectations().expectations
        yield core.ExpectCompoundColumnsToBeUnique(column_list=list(key), meta={"rule": KEY_RULE})


def _new(name: str, rule: str | None = None, **values: Any) -> Any:
    kind = getattr(great_expectations().expectations, f"ExpectColumn{name}")
    return kind(**values, meta={"rule": rule} if rule else None)


def _expected(condition: Condition, column: str) -> Iterator[Any]:
    match condition:
        case Range(minimum=minimum, maximum=maximum):
            yield _new("ValuesToBeBetween", column=column, min_value=minimum, max_value=maximum)
        case Length(minimum=minimum):
            yield _new("ValueLengthsToBeBetween", column=column, min_value=minimum)
        case OneOf(values=values):
            yield _new("ValuesToBeInSet", column=column, value_set=list(values))
        case Pattern(regex=regex):
            yield _new("ValuesToMatchRegex", column=column, regex=regex)
        case AtMost(other=other, is_strict=is_strict):
            yield _new(
                "PairValuesAToBeGreaterThanB",
                column_A=other,
                column_B=column,
                or_equal=not is_strict,
                ignore_row_if="either_value_is_missing",
            )
        case Present(other=other, value=value, is_absent=is_absent):
            cell = import_module("great_expectations.expectations.row_conditions").Column(other)
            same, different = cell == value, (cell != value) | cell.is_null()
            there, absent = (different, same) if is_absent else (same, different)
            yield _new("ValuesToNotBeNull", column=column, row_condition=there)
            yield _new("ValuesToBeNull", column=column, row_condition=absent)
        case Size() | Sql():
            # There is no expectation of this kind; the SQL is the contract's, nobody else's.
            query = f"select * from {{batch}} where not ({condition.sql(column)})"  # noqa: S608
            yield great_expectations().expectations.UnexpectedRowsExpectation(
                unexpected_rows_query=query, description=f"{column}: {condition.sql(column)}"
            )
