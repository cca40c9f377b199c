"""What lines of the event archive tell, in each shape that they had."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from stackspark.sources.gharchive.events import EVENTS, EventRows

AT = datetime(2016, 5, 6, 7, 8, 9, tzinfo=UTC)
MODERN = {
    "id": "42",
    "type": "WatchEvent",
    "repo": {"id": 7, "name": "Ada/Ships"},
    "payload": {"action": "started"},
    "created_at": "2016-05-06T07:08:09Z",
}
REPOSITORY = {
    "id": 7,
    "full_name": "Ada/Ships",
    "default_branch": "trunk",
    "license": {"key": "mit", "spdx_id": "MIT"},
    "created_at": "2010-01-02T03:04:05Z",
    "updated_at": "2016-01-01T00:00:00Z",
    "pushed_at": None,
    "language": "Python",
}


def told(*lines: dict[str, Any] | bytes) -> list[dict[str, Any]]:
    rows = EventRows()
    for line in lines:
        rows.add_line(line if isinstance(line, bytes) else json.dumps(line).encode())
    batch = rows.batch()
    assert batch.schema == EVENTS
    assert len(rows) == 0
    return batch.to_pylist()


def brief(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["action"], row["github_id"], row["full_name"]) for row in rows]


def test_modern_star() -> None:
    star, seen = told(MODERN)
    assert brief([star, seen]) == [("star", 7, "Ada/Ships"), ("seen", 7, "Ada/Ships")]
    assert (star["event_id"], star["first_at"], star["last_at"]) == ("42", AT, AT)
    assert seen["event_id"] is None


def test_fork_describes_the_new_repository() -> None:
    forkee = REPOSITORY | {"id": 8, "full_name": "bob/ships"}
    rows = told(MODERN | {"type": "ForkEvent", "payload": {"forkee": forkee}})
    assert brief(rows) == [
        ("fork", 7, "Ada/Ships"), ("described", 8, "bob/ships"), ("seen", 7, "Ada/Ships"),
    ]  # fmt: skip
    assert rows[1]["license_id"] == "MIT"
    assert rows[1]["created_at"] == datetime(2010, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (rows[1]["default_branch"], rows[1]["pushed_at"], rows[1]["language"]) == (
        "trunk", None, "Python",
    )  # fmt: skip


def test_pull_request_describes_its_base_unless_it_is_cut_short() -> None:
    def pull(repository: dict[str, Any]) -> dict[str, Any]:
        payload = {"pull_request": {"base": {"repo": repository}}}
        return MODERN | {"type": "PullRequestEvent", "payload": payload}

    assert [row["action"] for row in told(pull(REPOSITORY))] == ["described", "seen"]
    short = {"id": 7, "name": "ships", "url": "https://api.github.com/repos/ada/ships"}
    assert [row["action"] for row in told(pull(short))] == ["seen"]


def test_created_branch_tells_the_default_branch() -> None:
    rows = told(MODERN | {"type": "CreateEvent", "payload": {"master_branch": "develop"}})
    assert [(row["action"], row["default_branch"]) for row in rows] == [
        ("branch", "develop"), ("seen", None),
    ]  # fmt: skip


def test_shape_of_2012() -> None:
    event = {
        "type": "WatchEvent",
        "created_at": "2012/04/05 10:00:00 -0700",
        "actor": "bob",
        "repository": {
            "id": 7, "name": "Ships", "owner": "Ada", "language": "C", "watchers": 9,
            "created_at": "2011-10-11T00:53:28-07:00", "master_branch": "master",
        },
    }  # fmt: skip
    star, described, seen = told(event)
    assert brief([star, described, seen]) == [
        (action, 7, "Ada/Ships") for action in ("star", "described", "seen")
    ]
    assert star["first_at"] == datetime(2012, 4, 5, 17, tzinfo=UTC)
    assert described["created_at"] == datetime(2011, 10, 11, 7, 53, 28, tzinfo=UTC)
    assert described["default_branch"] == "master"
    again, *_ = told(json.dumps(dict(reversed(event.items())), indent=0).replace("\n", "").encode())
    assert again["event_id"] == star["event_id"]
    assert len(str(star["event_id"])) == 40


def test_shape_of_2011_with_events_on_one_line() -> None:
    event = {
        "type": "PushEvent",
        "id": "1127195475",
        "repo": {"id": 1357116, "name": "ada/ships", "url": "https://api.github.dev/repos/a/s"},
        "created_at": "2011-02-12T00:00:00Z",
    }
    line = json.dumps(event).encode()
    assert brief(told(line + line + b" " + line)) == [("seen", 1357116, "ada/ships")]


def test_seen_rows_span_their_events() -> None:
    later = MODERN | {"type": "PushEvent", "created_at": "2017-01-01T00:00:00+01:00"}
    *_, seen = told(later, MODERN | {"type": "PushEvent"}, later)
    assert (seen["first_at"], seen["last_at"]) == (AT, datetime(2016, 12, 31, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    "repository",
    [None, {}, {"id": None, "name": "/"}, {"id": -1}, {"id": True}, {"id": 1 << 63}, 7],
)
def test_events_of_no_repository_are_counted_apart(repository: Any) -> None:
    rows = EventRows()
    rows.add_line(json.dumps(MODERN | {"repo": repository}).encode())
    assert (rows.num_events, rows.num_apart, len(rows)) == (1, 1, 0)
    assert rows.batch() == pa.RecordBatch.from_pylist([], EVENTS)


@pytest.mark.parametrize("name", [None, "/", "ships", "ada/", 7])
def test_repositories_without_a_name_keep_their_id(name: Any) -> None:
    assert brief(told(MODERN | {"repo": {"id": "7", "name": name}}))[0] == ("star", 7, None)


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[1]",
        b'"text"',
        b'{"id": "1"}',  # no date
        b'{"created_at": "soon"}',
        b'{"created_at": "1999-01-01T00:00:00Z"}',  # before there was GitHub
        b'{"created_at": 99999999999999999999}',
        b'\xff{"created_at": "2016-05-06T07:08:09Z"}',
        b"[" * 100_000,
        b'{"created_at": ' + b"1" * 5000 + b"}",
    ],
)
def test_line_that_is_no_event(line: bytes) -> None:
    rows = EventRows()
    with pytest.raises(ValueError, match=r"\w"):
        rows.add_line(line)
    assert len(rows) == 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ({"key": "other", "spdx_id": "NOASSERTION"}, "NOASSERTION"),
        ({"key": "other"}, "NOASSERTION"),
        ({"key": "apache-2.0", "spdx_id": ""}, "apache-2.0"),
        ("MIT", None),
    ],
)
def test_license(given: Any, expected: str | None) -> None:
    pull = {"pull_request": {"base": {"repo": REPOSITORY | {"license": given}}}}
    described, _ = told(MODERN | {"type": "PullRequestEvent", "payload": pull})
    assert described["license_id"] == expected


def test_lone_surrogates_become_question_marks() -> None:
    star, _ = told(MODERN | {"repo": {"id": 7, "name": "a/\ud800é"}})
    assert star["full_name"] == "a/?é"
