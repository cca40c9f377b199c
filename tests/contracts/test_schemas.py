"""The contracts themselves: valid ODCS 3.1, complete, and every rule can fail.

For each rule a table of plausible and implausible values of the columns that it names is made, and
the rule must both hold and fail somewhere in it: a rule that cannot fail guards nothing.
"""

import itertools
import re

import pytest
from open_data_contract_standard.model import OpenDataContractStandard
from places import REPOSITORY
from pyspark.sql import SparkSession

from stackspark.contracts.constraints import delta_constraints
from stackspark.contracts.tables import Column, TableContract, table_contract, table_names
from stackspark.runtime.package import schemas_folder

HEX = ("a" * 32, "a" * 40, "b" * 40, "a" * 64)
VALUES = {
    "string": ("", " 0", "0", "A.b", "a/b", "/a", "a:b", "{}", "ok", "x-0", "shards/a", *HEX),
    "bigint": ("-1L", "0L", "1L", "2L", "100000L"),
    "int": ("-1", "0", "1", "33188", "33189"),
    "double": ("-1d", "0d", "0.5d", "1d", "2d", "double('NaN')"),
    "boolean": ("true", "false"),
    "binary": ("X''", "X'00'", "repeat(X'00', 256)"),
    "timestamp": ("timestamp'1000-01-01'", "timestamp'2030-01-01'", "timestamp'+20000-01-01'"),
    "map<string,bigint>": ("map()", "map('a', 1L)", "map('', -1L)"),
    "map<string,string>": ("map()", "map('a', 'b')"),
    "array<bigint>": ("array()", "array(1L)"),
    "array<string>": ("array()", "array('a')", "array('')"),
}
"""Candidates by type, as SQL; null is added to each."""

NUMBERS = ("int", "double")

IN_LIST = re.compile(r"\bin \(([^)]*)\)")


def literals(rule: str) -> tuple[str, ...]:
    """String literals that a rule itself names."""
    return tuple(re.findall(r"'([^']*)'", " ".join(IN_LIST.findall(rule))))


def candidates(column: Column, rule: str) -> list[str]:
    kind = column.data_type
    values = list(VALUES.get(kind, ()))
    if kind == "string":
        texts = [*VALUES["string"], *literals(rule)[:2]]
        values = [f"'{text}'" for text in texts]
    if not values:
        struct = re.fullmatch(r"array<struct<(.*)>>", kind)
        assert struct, f"no candidates of type {kind}"
        fields = [part.split(":") for part in struct[1].split(",")]
        shown = ", ".join(f"'{name}', {'1' if kind in NUMBERS else 'a'!r}" for name, kind in fields)
        blank = ", ".join(f"'{name}', {'-1' if kind in NUMBERS else ''!r}" for name, kind in fields)
        values = ["array()", f"array(named_struct({shown}))", f"array(named_struct({blank}))"]
    return [f"cast({value} as {kind})" for value in [*values, "null"]]


def named_columns(contract: TableContract, rule: str) -> list[Column]:
    bare = re.sub(r"'[^']*'", "", rule)
    words = set(re.findall(r"\w+", bare))
    return [column for column in contract.columns if column.name in words]


def rows_of_values(contract: TableContract, rule: str) -> str:
    """All combinations of candidates for the columns of one rule, as a SQL table."""
    columns = named_columns(contract, rule)
    pools = [candidates(column, rule) for column in columns]
    rows = []
    for values in itertools.product(*pools):
        pairs = zip(columns, values, strict=True)
        rows.append(f"struct({', '.join(f'{value} as {column.name}' for column, value in pairs)})")
    return f"(select inline(array({', '.join(rows)})))"


def verdicts(spark: SparkSession, contract: TableContract) -> dict[str, set[bool]]:
    """What every rule of a table says to its candidates, by one query."""
    rules = delta_constraints(contract)
    parts = [
        f"select distinct '{name}' as rule, {sql} as holds from {rows_of_values(contract, sql)}"
        for name, sql in rules.items()
    ]
    found: dict[str, set[bool]] = {name: set() for name in rules}
    for row in spark.sql(" union all ".join(parts)).collect():
        found[row["rule"]].add(row["holds"])
    return found


@pytest.mark.parametrize("name", table_names())
def test_schema_is_a_valid_data_contract(name: str) -> None:
    contract = OpenDataContractStandard.from_file(str(schemas_folder() / f"{name}.yaml"))
    assert contract.apiVersion == "v3.1.0"
    assert contract.kind == "DataContract"
    assert contract.name == name


@pytest.mark.parametrize("name", table_names())
def test_schema_says_what_every_column_is(name: str) -> None:
    contract = table_contract(name)
    assert contract.grain
    assert contract.key
    assert set(contract.key) <= {column.name for column in contract.columns if column.required}
    for column in contract.columns:
        assert column.data_type, column.name
        assert column.meaning.endswith("."), column.name
        assert column.rules or column.required, column.name


@pytest.mark.parametrize("name", table_names())
def test_schema_is_one_that_spark_reads(spark: SparkSession, name: str) -> None:
    contract = table_contract(name)
    table = spark.createDataFrame([], contract.ddl)
    assert table.columns == contract.column_names
    assert [f.nullable for f in table.schema.fields] == [not c.required for c in contract.columns]


@pytest.mark.parametrize("name", table_names())
def test_every_rule_of_a_schema_can_hold_and_fail(spark: SparkSession, name: str) -> None:
    found = verdicts(spark, table_contract(name))
    assert {rule for rule, holds in found.items() if holds != {True, False}} == set()


def test_schemas_folder_is_the_one_of_the_checkout() -> None:
    assert schemas_folder() == REPOSITORY / "schemas"
