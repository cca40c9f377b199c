"""Events of two repositories that share a name, by the hour."""

import json
from typing import Any


def event(number: int, kind: str, github_id: int, name: str, year: int, **payload: Any) -> bytes:
    return json.dumps(
        {
            "id": str(number),
            "type": kind,
            "repo": {"id": github_id, "name": name},
            "payload": payload,
            "created_at": f"{year}-01-01T00:00:00Z",
        }
    ).encode()


def described(license_id: str | None, branch: str, **more: Any) -> dict[str, Any]:
    given = {"spdx_id": license_id} if license_id else None
    repository = {"id": 1, "full_name": "ada/ships", "default_branch": branch, "license": given}
    return {"base": {"repo": repository | more}}


STARS = [event(number, "WatchEvent", 1, "Ada/Ships", 2015) for number in range(5)]
HOURS: dict[str, list[bytes]] = {
    "2015-01-01-0.json.gz": STARS,
    # Repeated events, under the repository's next name and in another file.
    "2016-01-01-0.json.gz": [*STARS[:2], event(10, "WatchEvent", 1, "ada/Vessels", 2017)],
    "deep/2017-01-01-0.json.gz": [
        event(20, "PullRequestEvent", 1, "ada/vessels", 2017, pull_request=described("MIT", "old")),
        event(21, "PullRequestEvent", 1, "ada/vessels", 2018, pull_request=described(None, "new")),
        event(22, "ForkEvent", 1, "ada/vessels", 2018, forkee={"id": 3, "full_name": "bob/v"}),
        event(23, "PushEvent", 2, "ada/ships", 2019),
        event(24, "CreateEvent", 2, "ada/ships", 2020, master_branch="main"),
    ],
}
