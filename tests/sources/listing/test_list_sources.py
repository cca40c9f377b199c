"""Listing and fetching through Spark: the same rows whatever the number of tasks."""

from dataclasses import asdict

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from source_fixtures import commit, list_locally, make_repository, write_files

from stackspark.contracts.tables import table_contract
from stackspark.errors import InvalidParamsError
from stackspark.sources.base.container import CONTAINERS_DDL
from stackspark.sources.base.limits import Limits
from stackspark.sources.base.specs import parse_source
from stackspark.sources.fetching.fetch import FetchParams, fetch_contents
from stackspark.sources.listing.containers import expand_sources
from stackspark.sources.listing.list_sources import LISTED_SCHEMA, ListSourcesParams, list_sources


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


def test_listed_structs_have_the_columns_of_their_tables() -> None:
    for kind, table in (("origin", "origins"), ("file", "files"), ("quarantine", "quarantine")):
        contract = {column.name: column for column in table_contract(table).columns}
        struct = LISTED_SCHEMA[kind].dataType
        for field in struct.fields:  # type: ignore[attr-defined]
            if field.name not in ("container", "locator"):
                assert field.dataType.simpleString() == contract[field.name].data_type
        given = {field.name for field in struct.fields}  # type: ignore[attr-defined]
        missing = {name for name in contract if name not in given}
        assert missing <= {
            *("github_id", "star_events_count", "fork_events_count"),
            *(name for name in contract if name.startswith("gha_")),
            *("name", "extension", "blob_id"),
        }


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


def test_params_reject_nonsense() -> None:
    with pytest.raises(InvalidParamsError, match="num_tasks > 0; found 0"):
        ListSourcesParams(num_tasks=0)
    with pytest.raises(InvalidParamsError, match="fetch_batch_bytes > 0; found -1"):
        FetchParams(fetch_batch_bytes=-1)
    with pytest.raises(InvalidParamsError, match="limit max_ratio must be positive; found 0"):
        Limits(max_ratio=0)
