"""Walks of a planted graph equal those of a slow reference."""

from pathlib import Path
from typing import Any

import pytest
from planted_graph import BRANCH, CONTENTS, ENTRIES, FILE, FORGE, MAX_MEMBERS, TREES, listed, rows
from pyspark.sql import SparkSession
from swh_graphs import (
    Found,
    oid,
    reference_walk,
)

from stackspark.sources.base.paths import display_path
from stackspark.sources.origins.index_listings import IndexListing


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
