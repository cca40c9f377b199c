"""Counts on planted files: by language, by source, and none of what was not compared."""

import pytest
from pyspark.sql import DataFrame, SparkSession

from stackspark.duplicates.count_removals import (
    CountRemovalsParams,
    count_removals,
    select_removed,
)

VERDICTS = (
    "directory_id string, path string, blob_id string, language string, status string, cause string"
)
NEAR, NORMALIZED = "near_duplicate", "normalized_duplicate"

# directory, language, files kept, causes of those that went
PLANTED = (
    ("d1", "JSON", 1, [NEAR] * 8 + [NORMALIZED]),
    ("d2", "Python", 7, [NEAR] * 3),
    ("d3", "Python", 9, [NEAR]),
    ("d3", None, 1, [NEAR]),
    # Nothing of these was compared.
    ("d1", "Python", 0, ["license"] * 50 + ["exact_duplicate"] * 50),
    ("d3", "Text", 0, ["text_file_name"] * 50),
)


@pytest.fixture(scope="module")
def origins(spark: SparkSession) -> DataFrame:
    rows = [("d1", "dir:/a"), ("d2", "git:/b@main"), ("d3", "dir:/a")]
    return spark.createDataFrame(rows, "directory_id string, source string")


@pytest.fixture(scope="module")
def verdicts(spark: SparkSession) -> DataFrame:
    fates = [
        (directory, language, cause)
        for directory, language, num_kept, causes in PLANTED
        for cause in [None] * num_kept + causes
    ]
    rows: list[tuple[str | None, ...]] = [
        (directory, f"/{place}", f"b{place}", language, "removed" if cause else "kept", cause)
        for place, (directory, language, cause) in enumerate(fates)
    ]
    rows.append(("d3", "/gone", None, None, "quarantined", None))
    return spark.createDataFrame(rows, VERDICTS).coalesce(1)


@pytest.mark.parametrize("num_partitions", [1, 4, 16])
def test_count_removals_counts_what_was_compared(
    verdicts: DataFrame, origins: DataFrame, num_partitions: int
) -> None:
    cut = verdicts.repartition(num_partitions)
    rows = count_removals(cut, origins, CountRemovalsParams(min_files=1)).collect()
    assert sorted(tuple(row) for row in rows) == [
        ("language", "", 2, 1),
        ("language", "JSON", 10, 9),
        ("language", "Python", 20, 4),
        ("source", "dir:/a", 22, 11),
        ("source", "git:/b@main", 10, 3),
    ]


def test_count_removals_leaves_out_what_has_too_few_files(
    verdicts: DataFrame, origins: DataFrame
) -> None:
    rows = count_removals(verdicts, origins, CountRemovalsParams(min_files=11)).collect()
    assert {row["key"] for row in rows} == {"Python", "dir:/a"}
    rows = count_removals(verdicts, origins, CountRemovalsParams(min_files=10)).collect()
    assert {row["key"] for row in rows} == {"JSON", "Python", "dir:/a", "git:/b@main"}


def test_select_removed_takes_languages_and_sources(
    verdicts: DataFrame, origins: DataFrame
) -> None:
    def num_selected(languages: list[str], sources: list[str]) -> int:
        return select_removed(verdicts, origins, languages, sources).distinct().count()

    assert num_selected(["JSON"], []) == 9
    assert num_selected([""], ["git:/b@main"]) == 4
    assert num_selected(["JSON", "Python"], ["dir:/a"]) == 14
