"""Repositories whose names changed hands: stars, descriptions and owners of a name over time."""

from datetime import UTC, datetime

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.sources.gharchive.repositories import (
    describe_repositories,
    list_repository_names,
    match_repositories,
    name_key,
)


def test_stars_count_once_and_follow_the_repository(events: DataFrame) -> None:
    rows = {row["github_id"]: row for row in describe_repositories(events).collect()}
    assert {key: (row[1], row[2], row[3]) for key, row in rows.items()} == {
        1: (6, 1, "new"),
        2: (0, 0, "main"),
    }
    # The latest description as a whole: its licence was taken away.
    assert rows[1]["gha_license_id"] is None
    assert rows[1]["gha_event_created_at"] == datetime(2018, 1, 1)


def test_repeated_input_changes_nothing(events: DataFrame) -> None:
    twice = events.unionByName(events).repartition(7)
    for stage in (describe_repositories, list_repository_names):
        assert sorted(stage(twice).collect()) == sorted(stage(events).collect())


def test_names_over_time(events: DataFrame) -> None:
    rows = list_repository_names(events).collect()
    found = {(row["name_key"], row["github_id"]): (row[2].year, row[3].year) for row in rows}
    assert found == {
        ("ada/ships", 1): (2015, 2018),  # what a pull request says of its base counts as well
        ("ada/vessels", 1): (2017, 2018),
        ("ada/ships", 2): (2019, 2020),
    }


def test_origin_meets_the_owner_of_its_name_at_its_visit(
    spark: SparkSession, events: DataFrame
) -> None:
    year = lambda number: datetime(number, 6, 1, tzinfo=UTC)  # noqa: E731
    origins = [
        ("https://github.com/ada/ships", year(2018), 1, 6),
        ("https://github.com/Ada/Ships.git", year(2021), 2, 0),
        ("https://github.com/ada/ships", None, 2, 0),
        ("https://github.com/ada/ships", year(2010), 1, 6),  # nobody had it yet
        ("https://www.github.com/ada/vessels/tree/main", year(2021), 1, 6),
        ("https://github.com/nobody/ships", year(2018), None, 0),
        ("https://gitlab.com/ada/ships", year(2018), None, 0),
    ]
    given = spark.createDataFrame(
        [(n, *row[:2]) for n, row in enumerate(origins)],
        "n int, origin_url string, visit_date timestamp",
    )
    names, repositories = list_repository_names(events), describe_repositories(events)
    rows = match_repositories(given, names, repositories).orderBy("n").collect()
    assert [(row["github_id"], row["star_events_count"]) for row in rows] == [
        row[2:] for row in origins
    ]
    assert rows[0]["default_branch"] == "new"


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://GitHub.com/Owner/Name", "owner/name"),
        ("git://github.com/owner/name.git/", "owner/name"),
        ("git@github.com:owner/name.git", "owner/name"),
        ("https://user@github.com:443//owner/name.js?tab=x#y", "owner/name.js"),
        ("https://github.com/owner", None),
        ("https://github.com/", None),
        ("https://notgithub.com/owner/name", None),
        ("https://example.org/github.com/owner/name", None),
    ],
)
def test_name_key(spark: SparkSession, url: str, key: str | None) -> None:
    row = spark.range(1).select(F.lit(url).alias("url")).select(name_key("url")).collect()[0]
    assert row[0] == key
