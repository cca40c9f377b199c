"""Listing and fetching through Spark: the same rows whatever the number of tasks."""

from dataclasses import asdict

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from source_fixtures import commit, list_locally, make_repository, write_files

from stackspark.sources.base.container import CONTAINERS_DDL
from stackspark.sources.base.specs import parse_source
from stackspark.sources.fetching.fetch import FetchParams, fetch_contents
from stackspark.sources.listing.containers import expand_sources
from stackspark.sources.listing.list_sources import ListSourcesParams, list_sources


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    root = tmp_path_factory.mktemp("sources")
    repository = make_repository(root / "repo", {"a.txt": "a\n", "lib/b.py": "b = 1\n"})
    commit(repository, {"lib/b.py": "b = 2\n"})
    write_files(root / "dir", {"a.txt": "a\n", "sub/c": "c" * 3000, "sub/d": "d\n"})
    (root / "empty").mkdir()
    (root / "broken.zip").write_bytes(b"PK\3\4")
    names = ("git:{}/repo", "git:{}/repo@HEAD~", "dir:{}/dir", "git:{}/empty", "archive:{}/*.zip")
    return [name.format(root) for name in names]


def listed(spark: SparkSession, sources: list[str], tasks: int) -> DataFrame:
    containers = expand_sources(map(parse_source, sources))
    table = spark.createDataFrame([asdict(c) for c in containers], CONTAINERS_DDL)
    return list_sources(table, ListSourcesParams(num_tasks=tasks, unit_bytes=20_000))


def struct_rows(table: DataFrame, kind: str) -> list[Row]:
    return sorted(table.where(F.col("kind") == kind).select(f"{kind}.*").collect(), key=str)


def test_list_sources_is_the_same_for_any_number_of_tasks(
    spark: SparkSession, sources: list[str]
) -> None:
    expected = list_locally(expand_sources(map(parse_source, sources)), unit_bytes=20_000)
    for tasks in (1, 3):
        table = listed(spark, sources, tasks).cache()
        files = struct_rows(table, "file")
        assert [row.asDict(recursive=True) for row in files] == sorted(
            expected.files, key=lambda row: str(Row(**row))
        )
        assert len(struct_rows(table, "origin")) == 2
        problems = [(row["grain"], row["error_class"]) for row in struct_rows(table, "quarantine")]
        assert sorted(problems) == [
            ("origin", "not_a_repository"),
            ("origin", "truncated_archive"),
            ("origin", "unknown_ref"),
        ]
        table.unpersist()


def test_fetch_contents(spark: SparkSession, sources: list[str]) -> None:
    table = listed(spark, sources, 2)
    requests = (
        table.where(F.col("kind") == "file")
        .groupBy("file.content_id")
        .agg(F.min("file.locator").alias("locator"))
    )
    params = FetchParams(num_tasks=3, max_text_bytes=3000, fetch_batch_bytes=10)
    rows = {row["content"]: row for row in fetch_contents(requests, params).collect()}
    assert set(rows) == {"a\n", "b = 2\n", "d\n", None}
    assert rows[None]["status"] == "too_large"
    assert rows[None]["length_bytes"] == 3000
    assert rows["a\n"]["content_id"] == "78981922613b2afb6025042ff6bd878ac1994e85"
    assert rows["a\n"]["blob_id"] == "3f786850e387550fdab836ed7e6dc881de23001b"
