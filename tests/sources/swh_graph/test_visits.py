from datetime import datetime

from pyspark.sql import SparkSession

from stackspark.sources.swh_graph.visits import NO_BRANCHES, choose_visits

VISITS = "origin_url string, visit bigint, visit_date timestamp, status string, snapshot_id string"
DAY = datetime(2020, 1, 1)


def test_choose_visits_takes_the_last_full_one_with_a_branch(spark: SparkSession) -> None:
    visits = [
        ("kept", 2, DAY, "full", "s2"),
        ("kept", 1, DAY.replace(year=2021), "full", "s1"),
        ("kept", 3, DAY, "partial", "s3"),
        ("kept", 4, DAY, "full", None),
        ("kept", 5, DAY, "full", NO_BRANCHES),
        ("empty", 1, DAY, "full", NO_BRANCHES),
        ("empty", 2, DAY, None, "s9"),
        ("none", 1, DAY, "full", None),
        ("unknown", 1, DAY, None, "s4"),
    ]
    chosen = choose_visits(spark.createDataFrame(visits, VISITS)).collect()
    assert {row["origin_url"]: (row["snapshot_id"], row["error_class"]) for row in chosen} == {
        "kept": ("s2", None),
        "empty": (None, "empty_repository"),
        "none": (None, "no_full_visit"),
        "unknown": (None, "no_full_visit"),
    }
