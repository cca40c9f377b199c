"""Columns of a table of texts, and their checks: by Spark and by the command alike."""

from dataclasses import asdict, dataclass

from stackspark.errors import InputError, UsageError

ANSWERS = ("kept_id", "similarity", "rule", "established_by", "family_size")
"""Columns of the removed texts, beside their id."""


@dataclass(frozen=True, kw_only=True)
class TextColumns:
    """Columns of a table of texts.

    `id` is unique, of any type that Spark writes as JSON. Of two similar texts the one with the
    lower `rank` stays; those without a rank come last, and the hash of the id has the last word.
    Twins are sought within one value of `scope`.
    """

    id: str = "id"
    text: str = "text"
    rank: str | None = None
    scope: str | None = None

    @property
    def named(self) -> list[str]:
        """Those that the table must have."""
        return [name for name in asdict(self).values() if name]


@dataclass(frozen=True, kw_only=True)
class IdProblems:
    """Rows that make a table unfit; `example` is a repeated id, as JSON."""

    num_without_id: int
    num_repeated: int
    num_null: int
    example: str | None


def quoted(name: str) -> str:
    """A column by its name in an expression of Spark, whatever signs the name has."""
    escaped = name.replace("`", "``")
    return f"`{escaped}`"


def check_columns(columns: TextColumns, found: list[str]) -> None:
    """Raise `UsageError` if a column is not there, or would be one of the answer's own."""
    if columns.id.lower() in ANSWERS:
        raise UsageError(
            f"the column {columns.id!r} is named like one of the answer ({', '.join(ANSWERS)}); "
            "give it another name"
        )
    missing = [name for name in columns.named if name not in found]
    if missing:
        raise UsageError(f"no column {missing[0]!r}: needed one of {', '.join(found)}")


def check_ids(columns: TextColumns, problems: IdProblems) -> None:
    """Raise `InputError` unless every id is there and unique and every text is there."""
    if problems.num_without_id:
        raise InputError(f"a text has no {columns.id}; every text needs an id")
    if problems.num_repeated:
        raise InputError(
            f"{problems.num_repeated:,} values of {columns.id} are not unique, such as "
            f"{problems.example}; every text needs an id of its own"
        )
    if problems.num_null:
        raise InputError(
            f"{problems.num_null:,} rows have no {columns.text}; drop them, or make them empty"
        )
