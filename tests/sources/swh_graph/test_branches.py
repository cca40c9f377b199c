"""Each origin gets the branch that was planted for it, or the planted reason."""

from datetime import UTC, datetime

from planted_graph import BRANCH, FORGE, NORMAL, ORIGINS, rows
from swh_graphs import (
    oid,
    oid_of_empty,
)

from stackspark.sources.origins.index_listings import IndexListing

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
