"""Conditions on the values of a column, each of which a contract declares in a form of its own.

A condition says what it is in SQL that is true, or null, for a good row; `expectations.py` says it
in Great Expectations' words. A missing value meets every condition but `Present`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

Bound = int | float | datetime


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers or times between bounds, both of which are allowed; None is no bound."""

    minimum: Bound | None = None
    maximum: Bound | None = None

    def sql(self, column: str) -> str:
        """As SQL."""
        return _between(column, self.minimum, self.maximum)


@dataclass(frozen=True, kw_only=True)
class Length:
    """At least so many characters or bytes."""

    minimum: int

    def sql(self, column: str) -> str:
        """As SQL."""
        return f"length({column}) >= {self.minimum}"


@dataclass(frozen=True, kw_only=True)
class Size:
    """At least so many entries of an array or a map."""

    minimum: int

    def sql(self, column: str) -> str:
        """As SQL."""
        return f"size({column}) >= {self.minimum}"


@dataclass(frozen=True, kw_only=True)
class OneOf:
    """One of a set of values."""

    values: tuple[str | int, ...]

    def sql(self, column: str) -> str:
        """As SQL."""
        return f"{column} in ({', '.join(map(_literal, self.values))})"


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A part of the text, or all of it between ^ and $, is as a regular expression says."""

    regex: str

    def sql(self, column: str) -> str:
        """As SQL."""
        return f"{column} rlike {_literal(self.regex)}"


@dataclass(frozen=True, kw_only=True)
class Present:
    """There where another column has a value, and nowhere else; the other way round if absent."""

    other: str
    value: str | int
    is_absent: bool = False

    def sql(self, column: str) -> str:
        """As SQL."""
        there = "null" if self.is_absent else "not null"
        return f"({column} is {there}) = ({self.other} <=> {_literal(self.value)})"


@dataclass(frozen=True, kw_only=True)
class AtMost:
    """No more than the value of another column; less than that, where it is strict."""

    other: str
    is_strict: bool = False

    def sql(self, column: str) -> str:
        """As SQL."""
        return f"{column} {'<' if self.is_strict else '<='} {self.other}"


@dataclass(frozen=True, kw_only=True)
class Sql:
    """Free SQL, where no other form will do."""

    expression: str

    def sql(self, column: str) -> str:  # noqa: ARG002 - the expression names its columns
        """As SQL."""
        return self.expression


Condition = Range | Length | Size | OneOf | Pattern | Present | AtMost | Sql


def conjunction(column: str, conditions: Sequence[Condition]) -> str:
    """All conditions on a column, as SQL."""
    parts = [condition.sql(column) for condition in conditions]
    return parts[0] if len(parts) == 1 else " and ".join(f"({part})" for part in parts)


def _between(value: str, minimum: Bound | None, maximum: Bound | None) -> str:
    if minimum is not None and maximum is not None:
        return f"{value} between {_literal(minimum)} and {_literal(maximum)}"
    if minimum is not None:
        return f"{value} >= {_literal(minimum)}"
    return f"{value} <= {_literal(maximum)}"


def _literal(value: object) -> str:
    if isinstance(value, datetime):
        return f"timestamp'{value.replace(tzinfo=None)}'"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(value)
