"""Sources as a recipe or the command line names them: ``KIND:LOCATION``."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from stackspark.errors import InputError, UsageError

KINDS = {
    "git": "git:PATH[@REF]",
    "dir": "dir:PATH",
    "archive": "archive:GLOB",
    "python-env": "python-env:PATH_OR_PREFIX",
    "swh": "swh:LOCATION",
    "stack-v2": "stack-v2:LOCATION",
    "stack-v2-ids": "stack-v2-ids:LOCATION",
}
INDEXES = ("swh", "stack-v2", "stack-v2-ids")
"""Kinds whose origins and files are tables, and whose contents lie elsewhere."""

KEYS = ("source", "origin", "visit_date", "exclude", "contents")


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """One source, as a recipe or the command line names it.

    `origin` is the URL that it was taken from, where the user declares it; `exclude` are names of
    distributions that a python-env leaves out, as PEP 503 normalises them. `contents` is the
    location of an index's contents, if not its own.
    """

    kind: str
    location: str
    ref: str | None = None
    origin: str | None = None
    visit_date: datetime | None = None
    exclude: tuple[str, ...] = ()
    contents: str | None = None

    @property
    def is_index(self) -> bool:
        """Whether its origins and files are tables."""
        return self.kind in INDEXES

    @property
    def source(self) -> str:
        """The source as it was written, such as ``git:repo@v1``."""
        return f"{self.kind}:{self.location}" + (f"@{self.ref}" if self.ref else "")


def parse_source(
    text: str,
    *,
    origin: str | None = None,
    visit_date: datetime | None = None,
    exclude: tuple[str, ...] = (),
    contents: str | None = None,
) -> SourceSpec:
    """Parse ``KIND:LOCATION``.

    The longest path that exists, before an ``@`` of a git source, is the location, and what comes
    behind is the ref: both may hold an ``@``.

    Raises:
        UsageError: if the kind is unknown or the location empty.
    """
    kind, _, location = text.partition(":")
    if kind not in KINDS or not location:
        raise UsageError(f"a source is one of {', '.join(KINDS.values())}; found {text!r}")
    if exclude and kind != "python-env":
        raise UsageError(f"only a python-env source takes `exclude`; found it for {text!r}")
    if kind in INDEXES and (origin or visit_date):
        raise UsageError(
            f"{text!r} tells origins and visits itself; leave out what you say of them"
        )
    if contents and kind not in INDEXES:
        needed = f"only {', '.join(INDEXES)} sources take `contents`"
        raise UsageError(f"{needed}; found it for {text!r}")
    ref = None
    if kind == "git":
        location, ref = _split_ref(location)
    names = tuple(sorted(map(normalized_name, exclude)))
    return SourceSpec(
        kind=kind,
        location=location,
        ref=ref,
        origin=origin,
        visit_date=visit_date,
        exclude=names,
        contents=contents,
    )


def read_sources_file(path: str | Path) -> list[SourceSpec]:
    """Read a YAML list of sources: ``{source, origin, visit_date, exclude}``, or plain strings.

    Raises:
        InputError: if the file cannot be read as YAML.
        UsageError: if an entry has an unknown key or a wrong type.
    """
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        line = " ".join(str(error).split())
        raise InputError(f"the file of sources {path} cannot be read: {line}") from error
    if not isinstance(document, list):
        found = type(document).__name__
        raise UsageError(f"{path} must be a list of sources (`- source: dir:PATH`); found {found}")
    return [
        source_entry(item, f"{path}, entry {number}") for number, item in enumerate(document, 1)
    ]


def normalized_name(name: str) -> str:
    """Normalise the name of a Python distribution, as PEP 503 says."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _split_ref(location: str) -> tuple[str, str | None]:
    if Path(location).exists():
        return location, None
    places = [place for place, char in enumerate(location) if char == "@"]
    there = [place for place in places if Path(location[:place]).is_dir() and location[:place]]
    if not places:
        return location, None
    # Where no path exists, what is missing is told of the one before the last.
    place = max(there, default=places[-1])
    path, ref = location[:place], location[place + 1 :]
    if not path or not ref:
        raise UsageError(f"a git source is {KINDS['git']}; found 'git:{location}'")
    return path, ref


def source_entry(item: Any, where: str) -> SourceSpec:
    """Read one source of a list: a string, or a mapping with some of `KEYS`.

    Raises:
        UsageError: if it has an unknown key or a wrong type; the message begins with `where`.
    """
    if isinstance(item, str):
        return parse_source(item)
    if not isinstance(item, Mapping) or not isinstance(item.get("source"), str):
        raise UsageError(f"{where}: needs a key `source` such as dir:PATH; found {item!r}")
    unknown = sorted(set(map(str, item)) - set(KEYS))
    if unknown:
        raise UsageError(f"{where}: unknown key {', '.join(unknown)}; known: {', '.join(KEYS)}")
    return parse_source(
        item["source"],
        origin=_text(item, "origin", r"[a-z][a-z0-9+.-]*:", "a URL", where),
        visit_date=_visit_date(item.get("visit_date"), where),
        exclude=_exclude(item.get("exclude", []), where),
        contents=_text(item, "contents", "(?s).", "a folder or s3a://BUCKET/PREFIX", where),
    )


def _text(item: Mapping[str, Any], key: str, pattern: str, needed: str, where: str) -> str | None:
    """Text that begins with a pattern; None where the key is missing."""
    value = item.get(key)
    if value is None or (isinstance(value, str) and re.match(pattern, value)):
        return value
    raise UsageError(f"{where}: `{key}` must be {needed}; found {value!r}")


def _visit_date(value: Any, where: str) -> datetime | None:
    """Date or time as YAML reads it; a time without a zone is in UTC."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise UsageError(f"{where}: `visit_date` must be a date; found {value!r}")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _exclude(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise UsageError(f"{where}: `exclude` must be a list of names; found {value!r}")
