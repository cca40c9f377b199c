from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from stackspark.lake.scratch import Scratch, part_order


@pytest.mark.parametrize("num_partitions", [1, 3, 16])
def test_write_numbered_numbers_in_order(
    spark: SparkSession, tmp_path: Path, num_partitions: int
) -> None:
    scratch = Scratch(folder=str(tmp_path))
    rows = spark.range(1000).selectExpr("hash(id) as key", "cast(id as string) as name")
    ordered = rows.repartitionByRange(num_partitions, "key").sortWithinPartitions("key")
    numbered, files = scratch.write_numbered(ordered, "numbered")
    assert [file.first_rank for file in files] == first_ranks([file.num_rows for file in files])
    assert sum(file.num_rows for file in files) == 1000
    by_rank = sorted((row["rank"], row["key"]) for row in numbered.collect())
    assert [rank for rank, _ in by_rank] == list(range(1000))
    assert [key for _, key in by_rank] == sorted(row["key"] for row in rows.collect())


def first_ranks(num_rows: list[int]) -> list[int]:
    return [0, *accumulate(num_rows[:-1])]


def test_write_numbered_of_nothing(spark: SparkSession, tmp_path: Path) -> None:
    scratch = Scratch(folder=str(tmp_path))
    numbered, files = scratch.write_numbered(spark.range(0), "empty")
    assert files == ()
    assert numbered.columns == ["rank", "id"]
    assert numbered.collect() == []


def test_batches_come_in_the_order_of_partitions(spark: SparkSession, tmp_path: Path) -> None:
    scratch = Scratch(folder=tmp_path.as_uri())
    scratch.write(spark.range(500).repartitionByRange(12, "id").sortWithinPartitions("id"), "ids")
    ids = [value for batch in scratch.batches("ids", ["id"]) for value in batch["id"].to_pylist()]
    assert ids == list(range(500))


def test_writer_replaces_a_table(spark: SparkSession, tmp_path: Path) -> None:
    scratch = Scratch(folder=str(tmp_path))
    for value in (1, 2):
        with scratch.writer("one", pa.schema({"id": pa.int64()})) as writer:
            writer.write_table(pa.table({"id": [value]}))
    assert [row["id"] for row in scratch.read("one", spark.range(0)).collect()] == [2]


def test_clear_removes_the_folder(spark: SparkSession, tmp_path: Path) -> None:
    scratch = Scratch(folder=str(tmp_path / "run"))
    scratch.write(spark.range(1), "some")
    scratch.clear()
    scratch.clear()
    assert not (tmp_path / "run").exists()


def test_part_order_goes_by_number() -> None:
    names = [
        "part-100000-x.parquet",
        "part-99999-x.parquet",
        "part-00002-x-c001",
        "part-00002-x-c000",
    ]
    assert sorted(names, key=part_order) == [names[3], names[2], names[1], names[0]]
    with pytest.raises(ValueError, match="not a part file"):
        part_order("_SUCCESS")
