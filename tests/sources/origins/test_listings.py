"""Sources of every kind at once: what each lists, and what events tell of its origins."""

import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from index_sources import FORGE
from pyspark.sql import Row, SparkSession
from swh_graphs import oid

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
