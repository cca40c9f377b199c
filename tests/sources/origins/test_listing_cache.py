"""Listings that a lake keeps: taken over whole, or made again."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from stackspark.lake.scratch import Scratch
from stackspark.sources.listing.list_sources import LISTED_SCHEMA
from stackspark.sources.origins.index_listings import (
    LISTED,
    ORIGINS,
    PARTS,
    REFUSED,
    REFUSED_DDL,
    IndexListing,
    open_listing,
)
from stackspark.sources.origins.listing_cache import COUNTS, KeptListings

SOURCE = "swh:somewhere"


class Lists:
    """Lists one refused origin, and counts how often it had to."""

    def __init__(self, spark: SparkSession, fails: bool = False) -> None:
        self.spark, self.fails, self.count = spark, fails, 0

    def __call__(self, scratch: Scratch) -> IndexListing:
        self.count += 1
        refused = self.spark.createDataFrame([("https://a.b/c", "asked")], REFUSED_DDL)
        scratch.write(refused, REFUSED)
        scratch.write(refused, "found_on_the_way")
        if self.fails:
            raise OSError("killed")
        for name in (LISTED, ORIGINS):
            scratch.write(self.spark.createDataFrame([], LISTED_SCHEMA), name)
        return open_listing(self.spark, scratch, 3, 1)


def test_listing_is_made_once(spark: SparkSession, tmp_path: Path) -> None:
    kept, lists = KeptListings(folder=str(tmp_path / "kept")), Lists(spark)
    elsewhere = Scratch(folder=str(tmp_path / "elsewhere"))
    for _ in range(2):
        found = kept.listing(spark, (SOURCE, "key"), elsewhere, lists)
        assert (found.num_origins, found.num_refused, found.rows.count()) == (3, 1, 0)
        assert [tuple(row) for row in found.refused.collect()] == [("https://a.b/c", "asked")]
    assert lists.count == 1
    assert {path.name for path in tmp_path.glob("kept/*/key/*")} == {COUNTS, *PARTS}
    kept.listing(spark, ("swh:elsewhere", "key"), elsewhere, lists)
    kept.listing(spark, (SOURCE, "another key"), elsewhere, lists)
    assert lists.count == 3
    assert sorted(path.name for path in tmp_path.glob("kept/*/*")) == ["another key", "key"]
    assert not Path(elsewhere.folder).exists()


def test_listing_that_was_not_ended_is_made_again(spark: SparkSession, tmp_path: Path) -> None:
    kept, lists = KeptListings(folder=str(tmp_path / "kept")), Lists(spark, fails=True)
    elsewhere = Scratch(folder=str(tmp_path / "elsewhere"))
    with pytest.raises(OSError, match="killed"):
        kept.listing(spark, (SOURCE, "key"), elsewhere, lists)
    lists.fails = False
    kept.listing(spark, (SOURCE, "key"), elsewhere, lists)
    assert lists.count == 2


def test_plan_lists_elsewhere(spark: SparkSession, tmp_path: Path) -> None:
    plan, lists = KeptListings(folder=str(tmp_path / "kept"), is_writable=False), Lists(spark)
    elsewhere = Scratch(folder=str(tmp_path / "elsewhere"))
    plan.listing(spark, (SOURCE, "key"), elsewhere, lists)
    assert lists.count == 1
    assert not Path(plan.folder).exists()
