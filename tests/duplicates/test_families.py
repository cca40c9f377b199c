"""Families of duplicates on a handful of files, with a null among them."""

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from stackspark.duplicates.families import families, largest_families, most_copied


@pytest.mark.parametrize("num_partitions", [1, 4])
def test_largest_families_names_the_kept_twin_and_the_extremes(
    spark: SparkSession, verdicts: DataFrame, origins: DataFrame, num_partitions: int
) -> None:
    near = spark.createDataFrame(
        [("b2", "b1", 0.71), ("b3", "b1", 0.9)],
        "blob_id string, kept_blob_id string, similarity double",
    )
    found = largest_families(
        near.repartition(num_partitions), verdicts.repartition(num_partitions), origins
    )
    rows = sorted(found.collect(), key=lambda row: row.place)
    assert [tuple(row) for row in rows] == [
        ("b1", 2, 0, "b1", None, "o/one", "/a.py", "Python"),
        ("b1", 2, 1, "b2", 0.71, "o/one", "/b.py", "Python"),
        ("b1", 2, 2, "b3", 0.9, "o/one", "/c.py", None),
    ]


def test_largest_families_is_bounded_and_takes_the_larger(
    spark: SparkSession, verdicts: DataFrame, origins: DataFrame
) -> None:
    near = spark.createDataFrame(
        [("b2", "b1", 0.8), ("b3", "b1", 0.9), ("b1", "b3", 1.0)],
        "blob_id string, kept_blob_id string, similarity double",
    )
    rows = largest_families(near, verdicts, origins, top=1).collect()
    assert {row.kept_blob_id for row in rows} == {"b1"}


def test_most_copied_counts_removed_copies_and_names_who_stood_for_them(
    verdicts: DataFrame, origins: DataFrame
) -> None:
    rows = most_copied(verdicts, origins).collect()
    assert sorted(tuple(row) for row in rows) == [
        ("b1", 2, 0, "b1", 1.0, "o/one", "/a.py", "Python"),
        ("b1", 2, 1, "b1", 1.0, "o/two", "/a.py", "Python"),
        ("b1", 2, 2, "b1", 1.0, "o/two", "/z/a.py", "Python"),
        ("b2", 1, 0, "b2", 1.0, "o/one", "/b.py", "Python"),
        ("b2", 1, 1, "b2", 1.0, "o/three", "/b.py", "Python"),
        ("b2", 1, 2, "b2", 1.0, "o/three", "/b.py", "Python"),
    ]


def test_families_order_by_size_and_drop_an_example_shown_twice() -> None:
    def row(kept: str, count: int, place: int, blob: str, similarity: float) -> Row:
        return Row(kept_blob_id=kept, num_members=count, place=place, blob_id=blob, language="C",
                   similarity=similarity, repo_name="o/r", path=f"/{blob}")  # fmt: skip

    rows = [row("k1", 1, place, blob, 0.9) for place, blob in ((0, "k1"), (2, "m"), (1, "m"))]
    rows += [row("k2", 7, place, blob, 0.8) for place, blob in ((2, "n"), (1, "m"), (0, "k2"))]
    large, small = families("near", rows)
    assert (large.num_members, large.kept.blob_id, large.kept.similarity) == (7, "k2", None)
    assert [example.blob_id for example in large.examples] == ["m", "n"]
    assert [example.blob_id for example in small.examples] == ["m"]
