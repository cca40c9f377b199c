"""Events of GitHub's public timeline as GH Archive keeps them -> what they say of repositories.

Three shapes are read: the first (2011: `repo`, an id), that of 2012 to 2014 (`repository` with its
numbers, no id) and today's (`repo` with id and name, `payload` with whole repositories in forks and
pull requests, which were cut short in October 2025). What an event lacks is null, never a guess.
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

DESCRIBING = ("default_branch", "master_branch", "license", "language", "created_at")
"""A repository that an event mentions is described by it if one of these is there."""

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
"""`action` is star, fork, described, branch (its default branch is told) or seen.

Of rows `seen` one stands for all events of a repository under one name, from `first_at` to
`last_at`; the two are equal in all others. `event_id` is GitHub's, or where it gave none the SHA-1
of the event.
"""

_DECODER = json.JSONDecoder()
_OLD_DATE = "%Y/%m/%d %H:%M:%S %z"


class Told(NamedTuple):
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
    """Gathers what lines of an archive tell, until they are handed out as a batch.

    `num_events` counts events, `num_apart` those among them that are of no repository.
    """

    def __init__(self) -> None:
        """Start without a row."""
        self.num_events = 0
        self.num_apart = 0
        self._rows: list[Told] = []
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
            self._rows.append(Told(github_id, name, "seen", None, first, last))
        rows, self._rows, self._seen = self._rows, [], {}
        columns = [[row[place] for row in rows] for place in range(len(EVENTS))]
        arrays = [
            pa.array(column, _stored(field.type)).cast(field.type)
            for column, field in zip(columns, EVENTS, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=EVENTS)

    def _add(self, event: Mapping[str, Any]) -> None:
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
        self._rows.extend(_told(event, repository, github_id, name, at))

    def _see(self, github_id: int, name: str | None, at: int) -> None:
        first, last = self._seen.get((github_id, name), (at, at))
        self._seen[github_id, name] = (min(first, at), max(last, at))


def _told(
    event: Mapping[str, Any], about: Mapping[str, Any], github_id: int, name: str | None, at: int
) -> Iterator[Told]:
    kind, payload = event.get("type"), _mapping(event.get("payload"))
    if kind == "WatchEvent":
        yield Told(github_id, name, "star", _event_id(event), at, at)
    if kind == "ForkEvent":
        yield Told(github_id, name, "fork", _event_id(event), at, at)
        yield from _described(_mapping(payload.get("forkee")), event, at)
    if kind == "CreateEvent" and (branch := _text(payload.get("master_branch"))):
        yield Told(github_id, name, "branch", _event_id(event), at, at, branch)
    base = _mapping(_mapping(payload.get("pull_request")).get("base"))
    yield from _described(_mapping(base.get("repo")), event, at)
    yield from _described(about, event, at)


def _described(about: Mapping[str, Any], event: Mapping[str, Any], at: int) -> Iterator[Told]:
    github_id = _id(about)
    if github_id is None or not any(about.get(key) for key in DESCRIBING):
        return
    yield Told(
        github_id,
        _full_name(about),
        "described",
        _event_id(event),
        at,
        at,
        default_branch=_text(about.get("default_branch")) or _text(about.get("master_branch")),
        license_id=_license(_mapping(about.get("license"))),
        created_at=_micros(about.get("created_at"), FIRST_YEAR),
        updated_at=_micros(about.get("updated_at"), FIRST_YEAR),
        pushed_at=_micros(about.get("pushed_at"), FIRST_YEAR),
        language=_text(about.get("language")),
    )


def _events(line: bytes) -> Iterator[Mapping[str, Any]]:
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


def _event_id(event: Mapping[str, Any]) -> str:
    given = event.get("id")
    if isinstance(given, str | int) and str(given):
        return _text(str(given)) or ""
    whole = json.dumps(event, sort_keys=True).encode("utf-8", "replace")
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest()


def _id(repository: Mapping[str, Any]) -> int | None:
    value = repository.get("id")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    is_id = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 63
    return value if is_id else None


def _full_name(repository: Mapping[str, Any]) -> str | None:
    """``owner/name``; of the older shape, whose name has no owner, both are put together."""
    name = _text(repository.get("full_name")) or _text(repository.get("name"))
    owner = repository.get("owner")
    login = _text(owner) or _text(_mapping(owner).get("login"))
    if name and "/" not in name and login:
        name = f"{login}/{name}"
    return name if name and all(name.partition("/")) else None


def _license(given: Mapping[str, Any]) -> str | None:
    """SPDX id; before GitHub gave one, its key, which is the id in lower case."""
    key = _text(given.get("key"))
    return _text(given.get("spdx_id")) or ("NOASSERTION" if key == "other" else key)


def _mapping(value: Any) -> Mapping[str, Any]:
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
