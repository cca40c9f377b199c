"""Graphs with planted cases: branches by hand, walks against a slow one."""

import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from swh_graphs import (
    Content,
    Entry,
    Found,
    entry_rows,
    oid,
    oid_of_empty,
    reference_walk,
    write_graph,
)

from stackspark.lake.scratch import Scratch
from stackspark.run.listed import OPT_OUTS_DDL
from stackspark.sources.base.limits import Limits
from stackspark.sources.base.paths import display_path
from stackspark.sources.origins.index_listings import IndexListing, IndexSource, list_graph
from stackspark.sources.swh_graph.tables import graph_folder, read_graph
from stackspark.sources.swh_graph.visits import NO_BRANCHES
from stackspark.sources.swh_graph.walk import WalkDirectoriesParams

MAX_MEMBERS = 400
FORGE = "https://github.com/"
FILE, EXECUTABLE, LINK, DIR, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o40000, 0o160000


def file(name: bytes, content: str, perms: int = FILE) -> Entry:
    return Entry(name, "file", oid(content), perms)


def folder(name: bytes, directory: str) -> Entry:
    return Entry(name, "dir", oid(directory), DIR)


def chain(length: int) -> dict[str, list[Entry]]:
    links = {f"chain{n}": [file(b"at", "a"), folder(b"d", f"chain{n + 1}")] for n in range(length)}
    return links | {f"chain{length}": [file(b"end", "b")]}


def drawn(seed: int) -> dict[str, list[Entry]]:
    """Directories with links to each other, upwards too."""
    draw = random.Random(seed)
    found = {}
    for number in range(12):
        links = [folder(b"d%d" % n, f"drawn{draw.randrange(12)}") for n in range(draw.randrange(3))]
        found[f"drawn{number}"] = [*links, file(b"f", draw.choice("abcx"))]
    return found


TREES = {
    "root": [
        file(b"a.py", "a"),
        file(b"run", "b", EXECUTABLE),
        file(b"old", "b", 0o100664),
        file(b"link", "c", LINK),
        file(b"caf\xe9.py", "a"),
        Entry(b"sub", "rev", oid("elsewhere"), SUBMODULE),
        folder(b"shared", "shared"),
        folder(b"again", "shared"),
        Entry(b"empty", "dir", oid_of_empty(), DIR),
    ],
    "fork": [file(b"b.py", "b"), folder(b"shared", "shared"), folder(b"vendor", "root")],
    "shared": [file(b"s.py", "a"), folder(b"deep", "deep")],
    "deep": [file(b"d.py", "c"), Entry(b"m", "rev", oid("elsewhere"), SUBMODULE)],
    "faults": [
        folder(b"gone", "never archived"),
        folder(b"..", "shared"),
        file(b"a/b", "a"),
        file(b"", "a"),
        Entry(b"odd", "socket", oid("a"), FILE),
        file(b"hidden", "hidden"),
        file(b"missing", "missing"),
        file(b"huge", "huge"),
        file(b"bare", "bare"),
        file(b"both", "both"),
    ],
    "shown": [file(b"\xff", "a"), file(b"\\xff", "b")],
    "self": [file(b"f", "a"), folder(b"me", "self"), folder(b"other", "ring")],
    "ring": [file(b"r", "b"), folder(b"back", "self"), folder(b"down", "deep")],
    **{f"bomb{n}": [folder(b"%d" % i, f"bomb{n + 1}") for i in range(10)] for n in range(5)},
    "bomb5": [file(b"f", "a")],
    **chain(70),
    **drawn(1),
}
ENTRIES = {oid(name): entries for name, entries in TREES.items()}
STATUSES = {"hidden": "hidden", "huge": "skipped", "bare": "skipped"}
CONTENTS = {
    oid(name): Content(
        None if name == "bare" else oid(f"sha1 of {name}"),
        oid(name),
        100 + place,
        STATUSES.get(name, "visible"),
    )
    for place, name in enumerate(("a", "b", "c", "x", "hidden", "huge", "bare", "both"))
}

Branches = dict[bytes, tuple[str, str]]
REVISION = {f"rev of {name}": name for name in TREES} | {"rev of nothing": "never archived"}
RELEASES = {
    "v1": ("release", oid("v1 inside")),
    "v1 inside": ("revision", oid("rev of fork")),
    "v2": ("release", oid("no such release")),
    "of tree": ("directory", oid("shared")),
}


def alias(name: str) -> tuple[str, str]:
    return "alias", name.encode().hex()


def tip(tree: str) -> tuple[str, str]:
    return "revision", oid(f"rev of {tree}")


MAIN, MASTER, TRUNK = b"refs/heads/main", b"refs/heads/master", b"refs/heads/trunk"
ORIGINS: dict[str, Branches] = {
    "ada/root": {b"HEAD": alias("refs/heads/trunk"), TRUNK: tip("root"), MAIN: tip("fork")},
    "bob/same": {MAIN: tip("root"), MASTER: tip("fork")},
    "bob/master": {MASTER: tip("fork"), b"HEAD": alias("refs/heads/gone")},
    "cat/tagged": {b"HEAD": ("release", oid("v1")), MASTER: tip("root")},
    "cat/tree": {b"HEAD": ("release", oid("of tree"))},
    "cat/bytes": {b"HEAD": alias("refs/heads/caf")} | {b"refs/heads/caf": tip("fork")},
    "cat/directory": {b"HEAD": ("directory", oid("shared"))},
    "cat/faults": {b"HEAD": tip("faults")},
    "cat/shown": {b"HEAD": tip("shown")},
    "dan/ring": {b"HEAD": tip("self")},
    "dan/bomb": {b"HEAD": tip("bomb0")},
    "dan/chain": {b"HEAD": tip("chain0")},
    "dan/drawn": {b"HEAD": tip("drawn0")},
    "dan/other": {b"HEAD": tip("drawn7")},
    "dan/loop": {b"HEAD": alias("a"), b"a": alias("HEAD"), MAIN: tip("shared")},
    "dan/empty": {b"HEAD": ("directory", oid_of_empty())},
    # Nothing of these is listed.
    "eve/loop": {b"HEAD": alias("a"), b"a": alias("HEAD")},
    "eve/release": {b"HEAD": ("release", oid("v2"))},
    "eve/revision": {b"HEAD": ("revision", oid("no such revision"))},
    "eve/content": {b"HEAD": ("content", oid("a"))},
    "eve/dev": {b"refs/heads/dev": tip("root")},
    "eve/gone": {b"HEAD": tip("nothing")},
    "out/out": {b"HEAD": tip("root")},
}
BRANCH = {
    "ada/root": ("refs/heads/trunk", "root"),
    "bob/same": ("refs/heads/main", "root"),
    "bob/master": ("refs/heads/master", "fork"),
    "cat/tagged": ("HEAD", "fork"),
    "cat/tree": ("HEAD", "shared"),
    "cat/bytes": ("refs/heads/caf", "fork"),
    "cat/directory": ("HEAD", "shared"),
    "cat/faults": ("HEAD", "faults"),
    "cat/shown": ("HEAD", "shown"),
    "dan/ring": ("HEAD", "self"),
    "dan/chain": ("HEAD", "chain0"),
    "dan/drawn": ("HEAD", "drawn0"),
    "dan/other": ("HEAD", "drawn7"),
    "dan/loop": ("refs/heads/main", "shared"),
}
LOST = {
    "dan/bomb": "tree_bomb",
    "eve/loop": "alias_loop",
    "eve/release": "missing_release",
    "eve/revision": "missing_revision",
    "eve/content": "unknown_ref",
    "eve/dev": "unknown_ref",
    "eve/gone": "missing_directory",
    "fay/partial": "no_full_visit",
    "fay/null": "no_full_visit",
    "fay/nothing": "empty_repository",
}
NORMAL, WILD, EARLY = 1_500_000_000, 1 << 41, -65_000_000_000
DATES = {"root": (NORMAL, NORMAL + 1), "fork": (WILD, EARLY)}


def micros(seconds: int) -> int:
    return seconds * 1_000_000


def visits() -> Iterator[tuple[Any, ...]]:
    for number, name in enumerate(ORIGINS):
        day = micros(NORMAL + 86_400 * number)
        yield FORGE + name, 2, day, "full", oid(f"snapshot {name}"), "git"
        # Earlier, later but partial, and later without a snapshot or a branch: none of them counts.
        yield FORGE + name, 1, day, "full", oid("snapshot eve/dev"), "git"
        yield FORGE + name, 3, day + 1, "partial", oid("snapshot eve/dev"), "git"
        yield FORGE + name, 4, day + 2, "full", None, "git"
        yield FORGE + name, 5, day + 3, "full", NO_BRANCHES, "git"
    yield FORGE + "fay/partial", 1, 0, "partial", oid("snapshot eve/dev"), "git"
    yield FORGE + "fay/null", 1, 0, "full", None, "git"
    yield FORGE + "fay/nothing", 1, 0, "full", NO_BRANCHES, "git"


def tables() -> dict[str, list[tuple[Any, ...]]]:
    return {
        "origin_visit_status": list(visits()),
        "snapshot_branch": [
            (oid(f"snapshot {origin}"), name, target, kind)
            for origin, branches in ORIGINS.items()
            for name, (kind, target) in branches.items()
        ],
        "release": [(oid(n), b"v", target, kind, None) for n, (kind, target) in RELEASES.items()],
        "revision": [
            (oid(name), *map(micros, DATES.get(tree, (0, 0))), oid(tree), "git")
            for name, tree in REVISION.items()
        ],
        "directory_entry": list(entry_rows(ENTRIES)),
        "content": [tuple(c) for c in CONTENTS.values() if c.status != "skipped"],
        "skipped_content": [
            (c.blob_id, c.content_id, c.length_bytes, "absent", "too large")
            for c in [*CONTENTS.values(), CONTENTS[oid("both")]]
            if c.status == "skipped" or c.content_id == oid("both")
        ],
    }


def listed(spark: SparkSession, place: Path, levels: int, **renamed: str) -> IndexListing:
    write_graph(place, tables(), {key.replace("__", "."): name for key, name in renamed.items()})
    return list_graph(
        IndexSource(source="swh:here", store=str(place)),
        read_graph(spark, graph_folder(str(place))),
        spark.createDataFrame([("asked", "repository", "out/out", None, None)], OPT_OUTS_DDL),
        None,
        Scratch(folder=str(place / "scratch")),
        WalkDirectoriesParams(max_levels=levels, limits=Limits(max_members=MAX_MEMBERS)),
    )


def rows(table: DataFrame, kind: str) -> list[Row]:
    return table.where(f"kind = '{kind}'").select(f"{kind}.*").collect()


def expected(tree: str, levels: int) -> Found:
    return reference_walk(oid(tree), ENTRIES, CONTENTS, levels, MAX_MEMBERS)


def check_walks(listing: IndexListing, levels: int) -> None:
    files: dict[str, set[tuple[Any, ...]]] = {}
    for row in rows(listing.rows, "file"):
        path = row["path_bytes"] or row["path"].encode()
        found = (bytes(path)[1:], row["mode"], row["content_id"], row["length_bytes"])
        files.setdefault(row["directory_id"], set()).add(found)
    entries = [row for row in rows(listing.rows, "quarantine") if row["grain"] == "entry"]
    problems = {(row["key"], row["error_class"]) for row in entries}
    wanted = set()
    for tree in {tree for _, tree in BRANCH.values()}:
        walk = expected(tree, levels)
        assert walk.fault is None
        shown = {(display_path(path or b"/"), name) for path, name in walk.problems}
        wanted |= {(f"swh:1:dir:{oid(tree)}{path}", name) for path, name in shown}
        if tree == "shown":
            # Both are shown as \xff: the one whose bytes are less stays.
            walk.files.remove((b"\xff", FILE, oid("a"), 100))
            wanted.add((f"swh:1:dir:{oid(tree)}/\\xff", "path_collision"))
        assert files.pop(oid(tree), set()) == walk.files, tree
    assert not files
    assert problems == wanted


@pytest.fixture(scope="module")
def listing(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> IndexListing:
    return listed(spark, tmp_path_factory.mktemp("graph"), levels=5)


def test_every_origin_has_its_branch_or_its_reason(listing: IndexListing) -> None:
    origins = {row["origin_url"].removeprefix(FORGE): row for row in rows(listing.rows, "origin")}
    empty = origins.pop("dan/empty")
    assert (empty["directory_id"], empty["num_files"]) == (oid_of_empty(), 0)
    found = {name: (row["branch_name"], row["directory_id"]) for name, row in origins.items()}
    assert found == {name: (branch, oid(tree)) for name, (branch, tree) in BRANCH.items()}
    broken = [row for row in rows(listing.rows, "quarantine") if row["grain"] == "origin"]
    assert {row["key"].removeprefix(FORGE): row["error_class"] for row in broken} == LOST
    assert all(row["message"] and row["source"] == "swh:here" for row in broken)
    assert listing.num_origins == len(ORIGINS) + 3
    assert [tuple(row) for row in listing.refused.collect()] == [(FORGE + "out/out", "asked")]
    assert listing.num_origins == len(origins) + 1 + len(broken) + listing.num_refused
    root, fork = origins["ada/root"], origins["bob/master"]
    assert root["repo_name"] == "ada/root"
    assert root["snapshot_id"] == oid("snapshot ada/root")
    assert root["revision_id"] == oid("rev of root")
    assert root["visit_date"].replace(tzinfo=UTC) == datetime.fromtimestamp(NORMAL, UTC)
    assert root["revision_date"].replace(tzinfo=UTC) == datetime.fromtimestamp(NORMAL, UTC)
    assert (fork["revision_date"], fork["committer_date"]) == (None, None)
    assert (root["num_files"], root["num_submodules"], fork["num_submodules"]) == (9, 3, 4)
    assert origins["cat/tree"]["revision_id"] is None


def test_walks_are_those_of_the_slow_one(listing: IndexListing) -> None:
    check_walks(listing, levels=5)
    assert expected("bomb0", 5).fault == "tree_bomb"
    assert {"directory_cycle", "missing_directory", "tree_bomb"} <= {
        name for tree in TREES if tree != "bomb0" for _, name in expected(tree, 5).problems
    }


def test_containers_are_roots(listing: IndexListing) -> None:
    origins = {row["origin_url"]: row for row in rows(listing.rows, "origin")}
    same = [origins[FORGE + name]["container"] for name in ("ada/root", "bob/same")]
    assert same == [f"swh:here#{oid('root')}"] * 2


@pytest.mark.integration
def test_64_levels_and_older_columns(spark: SparkSession, tmp_path: Path) -> None:
    older = {"origin_visit_status__snapshot": "snapshot_id"}
    deep = listed(spark, tmp_path, 64, **older)
    check_walks(deep, levels=64)
    walk = expected("chain0", 64)
    assert len(walk.files) == 64
    assert walk.problems == {(b"d/" * 64, "tree_bomb")}


def example_export(folder: Path) -> Path:
    """The 13 tables that Software Heritage's graph tools carry as an example, from their wheel."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    subprocess.run([*pip, "swh.graph==13.0.1"], check=True)
    with ZipFile(next(folder.glob("*.whl"))) as wheel:
        inside = "swh/graph/example_dataset/orc/"
        wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith(inside)])
    return folder / inside


@pytest.mark.integration
def test_example_of_software_heritage(spark: SparkSession, tmp_path: Path) -> None:
    tables = example_export(tmp_path)
    assert len(list(tables.iterdir())) == 13
    listing = list_graph(
        IndexSource(source="swh:example", store=str(tmp_path)),
        read_graph(spark, graph_folder(str(tables))),
        spark.createDataFrame([], OPT_OUTS_DDL),
        None,
        Scratch(folder=str(tmp_path / "scratch")),
        WalkDirectoriesParams(),
    )
    origins = rows(listing.rows, "origin")
    assert sorted(row["origin_url"] for row in origins) == [
        "https://example.com/swh/graph",
        "https://example.com/swh/graph2",
    ]
    directory, revision, day = "8".zfill(40), "9".zfill(40), datetime(2005, 3, 18)
    for row in origins:
        assert (row["directory_id"], row["revision_id"]) == (directory, revision)
        assert (row["branch_name"], row["num_files"]) == ("refs/heads/master", 4)
        assert row["revision_date"] == day.replace(hour=11, minute=14)
        assert row["visit_date"] == datetime(2013, 5, 7, 4, 20, 41, 369271)
    found = {
        row["path"]: (row["content_id"], row["length_bytes"], row["mode"])
        for row in rows(listing.rows, "file")
    }
    assert found == {
        "/README.md": ("1".zfill(40), 42, FILE),
        "/parser.c": ("7".zfill(40), 666, FILE),
        "/tests/README.rst": ("4".zfill(40), 404, FILE),
        "/tests/main.py": ("5".zfill(40), 1337, FILE),
    }
    assert not rows(listing.rows, "quarantine")
