"""Data contracts: `schemas/<table>.yaml` (Open Data Contract Standard 3.1) as value objects.

The file is the one declaration of a table. Its Spark schema comes from here; Delta constraints and
expectations come from the same objects.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pkgutil import resolve_name
from typing import Any

import pyarrow as pa
import yaml

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
from stackspark.runtime.package import schemas_folder

ARROW_TYPES = {
    "string": pa.string(),
    "binary": pa.binary(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The rule of a column: all of its conditions hold."""

    name: str
    column: str
    conditions: tuple[Condition, ...]

    @property
    def expression(self) -> str:
        """SQL that is true, or null, for a good row."""
        return conjunction(self.column, self.conditions)


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

    @property
    def field(self) -> pa.Field:
        """The column in Arrow; null where a row of an earlier step does not know it yet."""
        return pa.field(self.name, _arrow_type(self.data_type))


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

    def fields(self, *left_out: str) -> list[pa.Field]:
        """Arrow's fields in contract order, without some of the columns."""
        return [column.field for column in self.columns if column.name not in left_out]

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
    text = (schemas_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    # Every worker reads contracts: the parser in C takes a tenth of the time.
    document = yaml.load(text, Loader=yaml.CSafeLoader)
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
    name = item["name"]
    custom = {each["property"]: each["value"] for each in item.get("customProperties", ())}
    conditions = tuple(_conditions(item, custom))
    return Column(
        name=name,
        data_type=item["physicalType"],
        required=item["required"],
        meaning=item["description"],
        unit=custom.get("unit"),
        group=custom.get("group"),
        holds=tuple(custom["holds"]) if "holds" in custom else None,
        rules=(Rule(name=f"{name}_valid", column=name, conditions=conditions),)
        if conditions
        else (),
    )


def _arrow_type(data_type: str) -> pa.DataType:
    """Arrow's type of a Spark type, such as ``array<struct<path:string>>``."""
    if data_type in ARROW_TYPES:
        return ARROW_TYPES[data_type]
    kind, _, inner = data_type.removesuffix(">").partition("<")
    parts = _split(inner)
    if kind == "struct":
        pairs = (part.partition(":") for part in parts)
        return pa.struct([(name, _arrow_type(held)) for name, _, held in pairs])
    return {"array": pa.list_, "map": pa.map_}[kind](*map(_arrow_type, parts))


def _split(text: str) -> list[str]:
    """Split at commas outside of brackets."""
    parts = [""]
    for piece in text.split(","):
        is_open = parts[-1].count("<") > parts[-1].count(">")
        parts[-1:] = [f"{parts[-1]},{piece}"] if is_open else [*filter(None, parts[-1:]), piece]
    return parts


def _conditions(item: Mapping[str, Any], custom: Mapping[str, Any]) -> Iterator[Condition]:
    """Conditions in ODCS's own forms, in this project's custom properties, then in free SQL."""
    options = {key: _bound(value) for key, value in item.get("logicalTypeOptions", {}).items()}
    if "minimum" in options or "maximum" in options:
        yield Range(minimum=options.get("minimum"), maximum=options.get("maximum"))
    if "minLength" in options:
        yield Length(minimum=options["minLength"])
    for key in options.keys() & {"minItems", "minProperties"}:
        yield Size(minimum=options[key])
    for key in custom.keys() & {"presentWhen", "absentWhen"}:
        ((other, value),) = custom[key].items()
        yield Present(other=other, value=value, is_absent=key == "absentWhen")
    for key in custom.keys() & {"atMost", "below"}:
        yield AtMost(other=custom[key], is_strict=key == "below")
    for quality in item.get("quality", ()):
        if quality["type"] == "library":
            yield _valid_values(**quality["arguments"])
        else:
            yield Sql(expression=quality["implementation"])


def _bound(value: Any) -> Any:
    """Numbers as they are; times from text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _valid_values(*, pattern: str = "", validValues: Sequence[Any] | str = ()) -> Condition:  # noqa: N803 - ODCS's own names
    """A pattern, or a set; a set that code declares is named by its place in braces."""
    if pattern:
        return Pattern(regex=pattern)
    listed = resolve_name(validValues.strip("{}")) if isinstance(validValues, str) else validValues
    return OneOf(values=tuple(listed))
