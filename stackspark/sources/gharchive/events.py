"""Events of GitHub's public timeline, as GH Archive keeps them -> rows about repositories.

Three shapes are read: the first (2011: `repo`, an id), that of 2012 to 2014 (`repository` with its
numbers, no id) and today's (`repo` with id and name, `payload` with whole repositories in forks and
pull requests, which were cut short in October 2025). A field that an event lacks is null, never a
guess.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")
MICROSECONDS = 1_000_000
FIRST_YEAR, FIRST_EVENT_YEAR, LAST_YEAR = 2005, 2008, 9998
"""Git is of 2005, GitHub of 2008: an earlier date is that of a broken clock."""

DESCRIPTION_KEYS = ("default_branch", "master_branch", "license", "language", "created_at")
"""An event describes a repository that it mentions if it gives one of these keys."""

EVENTS = pa.schema(
    [
        pa.field("github_id", pa.int64(), nullable=False),
        pa.field("full_name", pa.string()),
        pa.field("action", pa.string(), nullable=False),
        pa.field("event_id", pa.string()),
        pa.field("first_at", TIMESTAMP, nullable=False),
        pa.field("last_at", TIMESTAMP, nullable=False),
        pa.field("default_branch", pa.string()),
        pa.field("license_id", pa.string()),
        pa.field("created_at", TIMESTAMP),
        pa.field("updated_at", TIMESTAMP),
        pa.field("pushed_at", TIMESTAMP),
        pa.field("language", pa.string()),
    ]
)
"""`action` is star, fork, described, branch (an event names the default branch) or seen.

A row `seen` stands for all events of a repository under one name, from `first_at` to `last_at`; the
two are equal in all others. `event_id` is GitHub's, or where it gave none the SHA-1 of the event.
"""

Json = Mapping[str, Any]

_DECODER = json.JSONDecoder()
_OLD_DATE = "%Y/%m/%d %H:%M:%S %z"


class EventRow(NamedTuple):
    """One row of `EVENTS`; dates in microseconds since 1970."""

    github_id: int
    full_name: str | None
    action: str
    event_id: str | None
    first_at: int
    last_at: int
    default_branch: str | None = None
    license_id: str | None = None
    created_at: int | None = None
    updated_at: int | None = None
    pushed_at: int | None = None
    language: str | None = None


class EventRows:
    """Collects the rows of an archive's lines into batches.

    `num_events` counts events, `num_apart` those among them that name no repository.
    """

    def __init__(self) -> None:
        """Start without a row."""
        self.num_events = 0
        self.num_apart = 0
        self._rows: list[EventRow] = []
        self._seen: dict[tuple[int, str | None], tuple[int, int]] = {}

    def __len__(self) -> int:
        """Rows that are held."""
        return len(self._rows) + len(self._seen)

    def add_line(self, line: bytes) -> None:
        """Read a line: an event, or several without anything between them, as in 2011.

        Raises:
            ValueError: if something on the line is no event; what stands before it counts.
        """
        for event in _events(line):
            self._add(event)

    def batch(self) -> pa.RecordBatch:
        """Hand out the rows that are held, and hold none."""
        for (github_id, name), (first, last) in self._seen.items():
            self._rows.append(EventRow(github_id, name, "seen", None, first, last))
        rows, self._rows, self._seen = self._rows, [], {}
        columns = [[row[place] for row in rows] for place in range(len(EVENTS))]
        arrays = [
            pa.array(column, _stored(field.type)).cast(field.type)
            for column, field in zip(columns, EVENTS, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=EVENTS)

    def _add(self, event: Json) -> None:
        at = _micros(event.get("created_at"), FIRST_EVENT_YEAR)
        if at is None:
            raise ValueError("the event has no date")
        self.num_events += 1
        repository = _mapping(event.get("repo")) or _mapping(event.get("repository"))
        github_id, name = _id(repository), _full_name(repository)
        if github_id is None:
            self.num_apart += 1
            return
        self._see(github_id, name, at)
        self._rows.extend(_event_rows(event, repository, github_id, name, at))

    def _see(self, github_id: int, name: str | None, at: int) -> None:
        first, last = self._seen.get((github_id, name), (at, at))
        self._seen[github_id, name] = (min(first, at), max(last, at))


def _event_rows(
    event: Json,
    repository: Json,
    github_id: int,
    name: str | None,
    at: int,
) -> Iterator[EventRow]:
    kind, payload = event.get("type"), _mapping(event.get("payload"))
    if kind == "WatchEvent":
        yield EventRow(github_id, name, "star", _event_id(event), at, at)
    if kind == "ForkEvent":
        yield EventRow(github_id, name, "fork", _event_id(event), at, at)
        yield from _described(_mapping(payload.get("forkee")), event, at)
    if kind == "CreateEvent" and (branch := _text(payload.get("master_branch"))):
        yield EventRow(github_id, name, "branch", _event_id(event), at, at, branch)
    base = _mapping(_mapping(payload.get("pull_request")).get("base"))
    yield from _described(_mapping(base.get("repo")), event, at)
    yield from _described(repository, event, at)


def _described(repository: Json, event: Json, at: int) -> Iterator[EventRow]:
    github_id, value = _id(repository), repository.get
    if github_id is None or not any(map(value, DESCRIPTION_KEYS)):
        return
    yield EventRow(
        github_id,
        _full_name(repository),
        "described",
        _event_id(event),
        at,
        at,
        default_branch=_text(value("default_branch")) or _text(value("master_branch")),
        license_id=_license(_mapping(value("license"))),
        created_at=_micros(value("created_at"), FIRST_YEAR),
        updated_at=_micros(value("updated_at"), FIRST_YEAR),
        pushed_at=_micros(value("pushed_at"), FIRST_YEAR),
        language=_text(value("language")),
    )


def _events(line: bytes) -> Iterator[Json]:
    text, place = line.decode("utf-8").strip(), 0
    while place < len(text):
        try:
            event, end = _DECODER.raw_decode(text, place)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        if not isinstance(event, dict):
            raise ValueError(f"needed an object, found {type(event).__name__}")
        yield event
        place = end
        while text[place : place + 1].isspace():
            place += 1


def _event_id(event: Json) -> str:
    given = event.get("id")
    if isinstance(given, str | int) and str(given):
        return _text(str(given)) or ""
    whole = json.dumps(event, sort_keys=True).encode("utf-8", "replace")
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest()


def _id(repository: Json) -> int | None:
    value = repository.get("id")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    is_id = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 63
    return value if is_id else None


def _full_name(repository: Json) -> str | None:
    """``owner/name``; of the older shape, whose name has no owner, both are put together."""
    name = _text(repository.get("full_name")) or _text(repository.get("name"))
    owner = repository.get("owner")
    login = _text(owner) or _text(_mapping(owner).get("login"))
    if name and "/" not in name and login:
        name = f"{login}/{name}"
    return name if name and all(name.partition("/")) else None


def _license(given: Json) -> str | None:
    """SPDX id; before GitHub gave one, its key, which is the id in lower case."""
    key = _text(given.get("key"))
    return _text(given.get("spdx_id")) or ("NOASSERTION" if key == "other" else key)


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    """A text that is not empty; a lone half of a surrogate pair becomes a question mark."""
    if not isinstance(value, str) or not value:
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _micros(value: Any, first_year: int) -> int | None:
    date = _date(value)
    if date is None or not first_year <= date.year <= LAST_YEAR:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return int(aware.timestamp()) * MICROSECONDS + aware.microsecond


def _date(value: Any) -> datetime | None:
    try:
        if isinstance(value, str):
            is_old = value[4:5] == "/"
            return datetime.strptime(value, _OLD_DATE) if is_old else datetime.fromisoformat(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _stored(kind: pa.DataType) -> pa.DataType:
    return pa.int64() if pa.types.is_timestamp(kind) else kind
