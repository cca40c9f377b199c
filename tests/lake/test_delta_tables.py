"""Versions of a Delta table, read by the list of their files, against Delta's own reader."""

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from stackspark.contracts.tables import table_contract
from stackspark.errors import LakeError
from stackspark.lake.delta_tables import add_columns, head_version, last_commit, read_version


def numbers(spark: SparkSession, first: int, last: int) -> DataFrame:
    return spark.range(first, last, numPartitions=2).selectExpr("id", "cast(id AS string) AS word")


@pytest.fixture
def path(spark: SparkSession, tmp_path: Path) -> str:
    """A table of three versions: 0 to 9; 0 to 19; 5 to 9, in a folder of a hostile name."""
    path = str(tmp_path / "a [b]{c,d}*? %20é=1" / "table")
    numbers(spark, 0, 10).write.format("delta").save(path)
    numbers(spark, 10, 20).write.format("delta").mode("append").save(path)
    numbers(spark, 5, 10).write.format("delta").mode("overwrite").save(path)
    return path


@pytest.mark.parametrize(("version", "first", "last"), [(0, 0, 10), (1, 0, 20), (2, 5, 10)])
@pytest.mark.parametrize("has_checksum", [True, False])
def test_version_has_its_rows_once(
    spark: SparkSession, path: str, version: int, first: int, last: int, *, has_checksum: bool
) -> None:
    """By the list of its files, and by Delta where it is cut short."""
    if not has_checksum:
        checksum = Path(path, "_delta_log", f"{version:020}.crc")
        checksum.write_bytes(checksum.read_bytes()[:-100])
    rows = read_version(spark, path, version)
    by_delta = spark.read.format("delta").option("versionAsOf", version).load(path)
    assert rows.schema == by_delta.schema
    assert sorted(row["id"] for row in rows.collect()) == list(range(first, last))
    assert {row["word"] for row in rows.collect()} == {str(n) for n in range(first, last)}


def test_checksum_of_another_commit_is_not_believed(spark: SparkSession, path: str) -> None:
    log = Path(path, "_delta_log")
    (log / f"{0:020}.crc").replace(log / f"{1:020}.crc")
    assert read_version(spark, path, 1).count() == 20


@pytest.mark.parametrize("count", [49, 60])
def test_version_of_many_files(spark: SparkSession, tmp_path: Path, count: int) -> None:
    """Delta writes down the names of about fifty at most."""
    path = str(tmp_path / "table")
    spark.range(0, 1000, numPartitions=count).write.format("delta").save(path)
    assert read_version(spark, path, 0).count() == 1000
    assert len(read_version(spark, path, 0).inputFiles()) == count


def test_version_without_rows(spark: SparkSession, path: str) -> None:
    numbers(spark, 0, 0).write.format("delta").mode("overwrite").save(path)
    assert read_version(spark, path, 3).columns == ["id", "word"]
    assert read_version(spark, path, 3).count() == 0


def test_rows_that_were_deleted_do_not_come_back(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "table")
    writer = numbers(spark, 0, 10).coalesce(1).write.format("delta")
    writer.option("delta.enableDeletionVectors", "true").save(path)
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id = 3")
    assert sorted(row["id"] for row in read_version(spark, path, 0).collect()) == [*range(10)]
    assert 3 not in {row["id"] for row in read_version(spark, path, 1).collect()}


def test_data_file_that_is_gone_is_named(spark: SparkSession, path: str) -> None:
    lost = Path(read_version(spark, path, 2).inputFiles()[0].rpartition("/")[2])
    Path(path, lost).unlink()
    with pytest.raises(LakeError, match=f"has lost the data file {lost} of version 2: bring it"):
        read_version(spark, path, 2)
    assert read_version(spark, path, 0).count() == 10


def test_last_commit_counts_what_it_wrote(spark: SparkSession, path: str) -> None:
    assert (last_commit(path).version, last_commit(path).num_rows) == (2, 5)
    assert last_commit(path).num_bytes == sum(
        Path(path, file.rpartition("/")[2]).stat().st_size
        for file in read_version(spark, path, 2).inputFiles()
    )


def test_columns_are_added_in_their_places_and_no_row_is_written(
    spark: SparkSession, tmp_path: Path
) -> None:
    path, contract = str(tmp_path / "table"), table_contract("contents")
    names = [name for name in contract.column_names if name not in {"status", "decoder_version"}]
    rows = spark.createDataFrame([("b",)], "blob_id string").selectExpr(
        *("blob_id" if name == "blob_id" else f"cast(null as string) {name}" for name in names)
    )
    rows.coalesce(1).write.format("delta").save(path)
    files = [*tmp_path.rglob("*.parquet")]
    new = [column for column in contract.columns if column.name not in names]
    add_columns(spark, path, contract, new)
    found = read_version(spark, path, head_version(path))
    assert found.columns == contract.column_names
    assert [(row["blob_id"], row["decoder_version"]) for row in found.collect()] == [("b", None)]
    assert [*tmp_path.rglob("*.parquet")] == files
    with pytest.raises(Exception, match="decoder_version"):
        found.selectExpr("* except (decoder_version)", "0 decoder_version").write.format(
            "delta"
        ).mode("append").save(path)
