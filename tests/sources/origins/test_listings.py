"""Sources of every kind at once: what each lists, and what events tell of its origins."""

import gzip
import json
import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import Row, SparkSession
from source_fixtures import make_repository
from swh_graphs import Entry, entry_rows, oid, write_graph

from stackspark.errors import InputError
from stackspark.lake.scratch import Scratch
from stackspark.run.listed import OPT_OUTS_DDL
from stackspark.sources.base.specs import parse_source
from stackspark.sources.fetching.swh_contents import KIND
from stackspark.sources.gharchive.reader import expand_archives
from stackspark.sources.listing.containers import expand_sources
from stackspark.sources.listing.list_sources import ListSourcesParams
from stackspark.sources.origins import listings as listings_module
from stackspark.sources.origins.index_listings import IndexSource, list_stack_v2
from stackspark.sources.origins.index_locations import check_index
from stackspark.sources.origins.listing_cache import KeptListings
from stackspark.sources.origins.listings import Listings, Sources

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


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("listings")
    graph(root / "graph")
    make_repository(root / "local", {"local.py": "here = 1\n"})
    (root / "events").mkdir()
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in EVENTS)
    (root / "events" / "2020-01-01-0.json.gz").write_bytes(gzip.compress(lines + b"no event\n"))
    (root / "events" / "2020-01-01-1.json.gz").write_bytes(gzip.compress(lines)[:-9])
    for name, rows in (("ids", IDS), ("files", FILES)):
        (root / name / "data").mkdir(parents=True)
        (root / name / "content").mkdir()
        pq.write_table(pa.Table.from_pylist(rows), root / name / "data" / "0.parquet")
    return root


def sources(root: Path) -> Sources:
    local = parse_source(f"git:{root}/local", origin=f"{FORGE}bob/local")
    kinds = {"swh": "graph", "stack-v2-ids": "ids", "stack-v2": "files"}
    specs = [parse_source(f"{kind}:{root}/{place}") for kind, place in kinds.items()]
    for spec in specs:
        check_index(spec)
    return Sources(
        containers=expand_sources([local]),
        indexes=specs,
        event_files=expand_archives([str(root / "events")]),
    )


def listings_of(
    spark: SparkSession, root: Path, sources: Sources, *, is_plan: bool = False, owner: str = "out"
) -> Listings:
    requests = spark.createDataFrame([("asked", "owner", owner, None, None)], OPT_OUTS_DDL)
    scratch = Scratch(folder=tempfile.mkdtemp(dir=root))
    kept = KeptListings(folder=str(root / "kept"), is_writable=not is_plan)
    return Listings(spark, scratch, sources, ListSourcesParams(num_tasks=2), requests, kept)


@pytest.fixture(scope="module")
def listings(spark: SparkSession, root: Path) -> Listings:
    return listings_of(spark, root, sources(root))


@pytest.fixture(scope="module")
def origins(listings: Listings) -> dict[str, Row]:
    rows = listings.origins().collect()
    found = {row["repo_name"].lower(): row for row in rows}
    assert len(rows) == len(found)
    return found


def test_events_tell_branch_stars_and_licence(origins: dict[str, Row]) -> None:
    ships, other = origins["ada/ships"], origins["eve/other"]
    assert (ships["branch_name"], ships["directory_id"]) == ("refs/heads/dev", oid("dev"))
    assert (ships["github_id"], ships["star_events_count"]) == (1, 2)
    assert ships["gha_license_id"] == "MIT"
    assert (other["branch_name"], other["directory_id"]) == ("refs/heads/main", oid("main"))
    assert (other["github_id"], other["star_events_count"]) == (None, 0)
    assert (origins["bob/local"]["github_id"], origins["bob/local"]["star_events_count"]) == (2, 1)


def test_index_keeps_its_own_word(origins: dict[str, Row]) -> None:
    indexed = origins["cat/indexed"]
    assert (indexed["github_id"], indexed["star_events_count"]) == (5, 42)
    assert (indexed["gha_license_id"], indexed["num_files"]) == ("MIT", 2)
    assert indexed["visit_date"].replace(tzinfo=UTC) == datetime(2021, 9, 4, tzinfo=UTC)
    assert origins["cat/fork"]["origin_url"] == f"{FORGE}cat/fork"
    assert origins["dan/files"]["num_files"] == 2
    assert set(origins) == {
        *("ada/ships", "eve/other", "bob/local", "cat/indexed", "cat/fork", "dan/files"),
    }


def test_indexed_files_lead_to_the_store(listings: Listings, root: Path) -> None:
    files = {row["path"]: row for row in listings.listed("file").collect()}
    assert set(files) == {
        *("/dev.py", "/main.py", "/local.py", "/a.py", "/lib/caf\ufffd.py", "/x.py", "/y/z.py"),
    }
    locator = files["/x.py"]["locator"]
    assert (locator["kind"], locator["location"]) == (KIND, str(root / "files"))
    assert (bytes(locator["member"]).decode(), locator["position"]) == (oid("sha1 of a"), 7)
    assert files["/x.py"]["content_id"] == oid("a")


def test_what_cannot_be_used_is_told(listings: Listings) -> None:
    problems = sorted(
        (row["key"].rpartition("/")[2], row["grain"], row["error_class"])
        for row in listings.quarantine().collect()
    )
    assert problems == [
        ("2020-01-01-0.json.gz", "entry", "broken_lines"),
        ("2020-01-01-1.json.gz", "entry", "truncated_file"),
        ("a.py", "entry", "invalid_row"),
        ("half.py", "entry", "invalid_row"),
        ("up.py", "entry", "unsafe_path"),
    ]
    refused = sorted(tuple(row) for row in listings.refused().collect())
    assert refused == [(f"{FORGE}out/graph", "asked"), (f"{FORGE}out/ids", "asked")]
    # Three of the graph, three of the rows per repository, one of the rows per file.
    assert listings.num_index_origins() == (7, 2)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("swh:{}/none", "needed table origin_visit_status"),
        ("swh:{}/events", "needed table origin_visit_status"),
        ("stack-v2:{}/none", "needed files .parquet"),
        (
            "stack-v2:{}/ids",
            "needs columns blob_id, content_id, length_bytes, path; it has repo_na",
        ),
        ("stack-v2-ids:{}/files", "needs columns files; it has repo_name"),
    ],
)
def test_index_that_is_none_is_one_clear_line(root: Path, source: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        check_index(parse_source(source.format(root)))
    assert str(raised.value).startswith(f"source {source.format(root)}: ")
    assert "\n" not in str(raised.value)


def test_index_without_contents_is_one_clear_line(tmp_path: Path) -> None:
    graph(tmp_path / "graph")
    (tmp_path / "graph" / "content").rmdir()
    with pytest.raises(InputError, match=r"needed contents below .*say where they are with `cont"):
        check_index(parse_source(f"swh:{tmp_path}/graph"))
    check_index(parse_source(f"swh:{tmp_path}/graph", contents="s3://elsewhere"))


def test_table_without_a_column_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    renamed = {"content.length": "size"}
    rows = {"content": [(ID, ID, 1, "visible")]}
    write_graph(tmp_path, rows, renamed)
    with pytest.raises(InputError, match=r"table .*/content needs columns length; it has sha1,"):
        check_index(parse_source(f"swh:{tmp_path}"))


def test_index_is_listed_again_only_when_something_changed(
    spark: SparkSession, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counted(place: IndexSource, *args: Any) -> Any:
        asked.append(place.source)
        return list_stack_v2(place, *args)

    monkeypatch.setattr(listings_module, "list_stack_v2", counted)
    found = replace(sources(root), containers=[], indexes=sources(root).indexes[-1:])

    def listed(**given: Any) -> tuple[list[str], tuple[int, int]]:
        """What is listed, with how many origins; `asked` says whether it was listed anew."""
        asked.clear()
        listings = listings_of(spark, root, found, **given)
        return sorted(map(str, listings.listed("file").collect())), listings.num_index_origins()

    wanted = listed()
    assert len(wanted[0]) == 2
    assert (listed(), asked) == (wanted, [])
    file = root / "files" / "data" / "0.parquet"
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    assert (listed(is_plan=True), len(asked)) == (wanted, 1)
    assert (listed(), len(asked)) == (wanted, 1), "the plan left nothing behind"
    assert (listed(is_plan=True), asked) == (wanted, [])
    assert (listed(owner="dan"), len(asked)) == (([], (1, 1)), 1)
