"""A small graph, published indexes of both layouts, events and a repository, in one folder."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from swh_graphs import Entry, entry_rows, oid, write_graph

FORGE = "https://github.com/"


ROOTS = {"dev": [Entry(b"dev.py", "file", oid("a"), 0o100644)]} | {
    "main": [Entry(b"main.py", "file", oid("a"), 0o100644)]
}


ID = 40 * "a"


HOUR = 1_700_000_000 * 1_000_000


def repository(number: int, name: str, branch: str) -> dict[str, Any]:
    about = {
        "id": number,
        "full_name": name,
        "default_branch": branch,
        "license": {"spdx_id": "MIT"},
    }
    return {"forkee": about}


def event(number: int, kind: str, github_id: int, name: str, payload: Any = None) -> dict[str, Any]:
    repo = {"id": github_id, "name": name}
    at = "2020-01-01T00:00:00Z"
    return {"id": number, "type": kind, "repo": repo, "payload": payload or {}, "created_at": at}


EVENTS = [
    event(1, "ForkEvent", 9, "zoe/source", repository(1, "ada/ships", "dev")),
    event(2, "WatchEvent", 1, "Ada/Ships"),
    event(3, "WatchEvent", 1, "ada/ships"),
    event(4, "WatchEvent", 2, "bob/local"),
    event(5, "WatchEvent", 77, "cat/indexed"),
]


def graph(folder: Path) -> Path:
    revisions = [(oid(f"rev {name}"), HOUR, HOUR, oid(name), "git") for name in ROOTS]
    branches = [(b"refs/heads/dev", "dev"), (b"refs/heads/main", "main")]
    tables = {
        "origin_visit_status": [
            (f"{FORGE}{name}", 1, HOUR, "full", oid("snapshot"), "git")
            for name in ("Ada/Ships", "eve/other", "out/graph")
        ],
        "snapshot_branch": [
            (oid("snapshot"), name, oid(f"rev {root}"), "revision") for name, root in branches
        ],
        "revision": revisions,
        "directory_entry": list(entry_rows({oid(name): found for name, found in ROOTS.items()})),
        "content": [(oid("sha1 of a"), oid("a"), 7, "visible")],
    }
    (folder / "content").mkdir(parents=True)
    return write_graph(folder, tables)


def repository_row(name: str, root: str, **more: Any) -> dict[str, Any]:
    when = datetime(2021, 9, 4, tzinfo=UTC)
    told = {"github_id": 5, "star_events_count": 42, "gha_license_id": "MIT", "visit_date": when}
    ids = {"snapshot_id": ID, "revision_id": ID, "branch_name": "refs/heads/master"}
    return {"repo_name": name, "directory_id": oid(root)} | told | ids | more


def indexed_file(path: str, content: str = "a", **more: Any) -> dict[str, Any]:
    ids = {"blob_id": oid(f"sha1 of {content}"), "content_id": oid(content)}
    return {"path": path, "length_bytes": 7, "language": "Python"} | ids | more


IDS = [
    repository_row(
        "cat/indexed",
        "indexed",
        repo_url=f"{FORGE}cat/indexed",
        files=[
            indexed_file("/a.py"),
            indexed_file("/lib/caf\ufffd.py"),
            indexed_file("/../up.py"),
            indexed_file("/half.py", blob_id=None),
        ],
    ),
    repository_row("cat/fork", "indexed", repo_url=None, files=[indexed_file("/a.py")]),
    repository_row("out/ids", "out", repo_url=f"{FORGE}out/ids", files=[indexed_file("/a.py")]),
    repository_row("", "nameless", repo_url=None, files=[indexed_file("/a.py")]),
]


FILES = [
    repository_row("dan/files", "files") | indexed_file("/x.py"),
    repository_row("dan/files", "files") | indexed_file("/y/z.py", "b"),
]
