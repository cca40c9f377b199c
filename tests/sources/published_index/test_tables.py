"""Indexes as they lie on disk: in folders, beside a README, with the contents below."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from stackspark.errors import InputError
from stackspark.sources.published_index.tables import ORIGIN, check_stack_v2, read_stack_v2

FILE = {"blob_id": "b", "path": "/a.py", "content_id": "c", "length_bytes": 3}
OF_FILES = [{"repo_name": "o/r", "directory_id": "d", "star_events_count": 5, **FILE}]
OF_IDS = [{"repo_name": "o/r", "directory_id": "d", "repo_url": "u", "files": [FILE, FILE]}]


@pytest.mark.parametrize(
    ("kind", "rows", "num_files"), [("stack-v2", OF_FILES, 2), ("stack-v2-ids", OF_IDS, 4)]
)
def test_an_index_is_read_without_what_lies_beside_it(
    spark: SparkSession, tmp_path: Path, kind: str, rows: list[dict[str, object]], num_files: int
) -> None:
    for place in ("train-0.parquet", "data/Python/train 1.parquet"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / place)
    (tmp_path / "README.md").write_text("not Parquet", encoding="utf-8")
    (tmp_path / "data" / "Python" / "notes.json").write_text("{}", encoding="utf-8")
    (tmp_path / "content").mkdir()
    for name in ("a" * 40, f"{'b' * 40}.parquet"):
        (tmp_path / "content" / name).write_bytes(b"gzip of a content")
    assert check_stack_v2(str(tmp_path), kind) == str(tmp_path)
    read = read_stack_v2(spark, str(tmp_path), kind)
    assert read.columns == [*ORIGIN, *FILE]
    found = read.collect()
    assert len(found) == num_files
    assert {(row["repo_name"], row["content_id"]) for row in found} == {("o/r", "c")}


def test_one_file_is_an_index_too(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    pq.write_table(pa.Table.from_pylist(OF_FILES), path)
    assert check_stack_v2(str(path), "stack-v2") == str(path)
    (row,) = read_stack_v2(spark, str(path), "stack-v2").collect()
    assert (row["star_events_count"], row["visit_date"], row["gha_language"]) == (5, None, None)


def test_a_folder_of_contents_alone_is_no_index(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    pq.write_table(pa.Table.from_pylist(OF_FILES), tmp_path / "content" / "x.parquet")
    with pytest.raises(InputError, match=r"needed files \.parquet, found none"):
        check_stack_v2(str(tmp_path), "stack-v2")


def test_columns_of_a_repository_are_those_that_were_published() -> None:
    assert list(ORIGIN) == [
        "repo_url", "directory_id", "repo_name", "snapshot_id", "revision_id", "branch_name",
        "visit_date", "revision_date", "committer_date", "github_id", "star_events_count",
        "fork_events_count", "gha_license_id", "gha_event_created_at", "gha_created_at",
        "gha_updated_at", "gha_pushed_at", "gha_language",
    ]  # fmt: skip
