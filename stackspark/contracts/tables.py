"""Data contracts: `schemas/<table>.yaml` (Open Data Contract Standard 3.1) as value objects.

The file is the one declaration of a table. Its Spark schema comes from here; Delta constraints and
expectations come from the same objects.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pkgutil import resolve_name
from typing import Any

import yaml

from stackspark.runtime.package import schemas_folder


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a column; `expression` is SQL that is true, or null, for a good row.

    A contract names a list that code declares by its place, such as
    ``rule in ({stackspark.rules.catalog.LEDGER_RULES})``; here it is written out.
    """

    name: str
    expression: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table, as its contract declares it.

    `group` is the group of metrics that a column is measured with, in `measurements`. `holds` says
    what a takedown looks for in it: text, id or name; None for a column that nothing declares.
    """

    name: str
    data_type: str
    required: bool
    meaning: str
    unit: str | None
    group: str | None
    holds: tuple[str, ...] | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class TableContract:
    """The contract of one table; `key` are the columns that are unique together."""

    name: str
    version: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def column_names(self) -> list[str]:
        """Names of the columns in contract order."""
        return [column.name for column in self.columns]

    @property
    def ddl(self) -> str:
        """Spark DDL of the table, such as ``blob_id string not null, status string``."""
        return ", ".join(
            f"`{column.name}` {column.data_type}{' not null' if column.required else ''}"
            for column in self.columns
        )


def table_names() -> list[str]:
    """Names of all tables that have a contract, sorted."""
    return sorted(path.stem for path in schemas_folder().glob("*.yaml"))


@cache
def table_contract(name: str) -> TableContract:
    """Read and parse the contract of one table."""
    document = yaml.safe_load((schemas_folder() / f"{name}.yaml").read_text(encoding="utf-8"))
    table = document["schema"][0]
    properties = table["properties"]
    keys = [item for item in properties if item.get("primaryKey")]
    return TableContract(
        name=name,
        version=document["version"],
        grain=table["dataGranularityDescription"],
        columns=tuple(_column(item) for item in properties),
        key=tuple(k["name"] for k in sorted(keys, key=lambda item: item["primaryKeyPosition"])),
    )


def _column(item: Mapping[str, Any]) -> Column:
    custom = {each["property"]: each["value"] for each in item.get("customProperties", ())}
    return Column(
        name=item["name"],
        data_type=item["physicalType"],
        required=item["required"],
        meaning=item["description"],
        unit=custom.get("unit"),
        group=custom.get("group"),
        holds=tuple(custom["holds"]) if "holds" in custom else None,
        rules=tuple(
            Rule(name=rule["name"], expression=_with_values(rule["implementation"]))
            for rule in item.get("quality", ())
        ),
    )


def _with_values(expression: str) -> str:
    return re.sub(r"\{(stackspark\.[\w.]+)\}", _values, expression)


def _values(place: re.Match[str]) -> str:
    return ", ".join(f"'{value}'" for value in resolve_name(place[1]))
