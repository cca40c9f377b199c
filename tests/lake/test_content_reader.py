import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.errors import InputError, LakeError
from stackspark.lake import content_reader
from stackspark.lake.content_reader import (
    ContentBatch,
    ReadMetrics,
    map_contents,
    plan_reads,
    read_contents,
)
from stackspark.runtime.storage import parquet_rows
from stackspark.runtime.storage.parquet_rows import open_parquet

TEXTS = ["", "a", "bb" * 10, "émoji 😀", "long " * 200, "x", "y" * 50, "z"]


def blob_id(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def write_texts(path: Path, texts: Sequence[str], rows_per_group: int = 3) -> None:
    table = pa.table({"blob_id": [blob_id(text) for text in texts], "content": texts})
    pq.write_table(table, path, row_group_size=rows_per_group, compression="zstd")


def plan_batch(path: Path, rows: Sequence[int], texts: Sequence[str] = TEXTS) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "blob_id": [blob_id(texts[row]) for row in rows],
            "name": [f"n{place}" for place in range(len(rows))],
            "content_file": [path.as_uri()] * len(rows),
            "content_block": pa.array([0] * len(rows), pa.int64()),
            "content_row": pa.array(rows, pa.int64()),
        }
    )


def pairs(batches: Iterable[ContentBatch]) -> list[tuple[str, str]]:
    """(name, text) of every request, in the order handed over."""
    return [
        (name, batch.texts[int(index)].as_py())
        for batch in batches
        for name, index in zip(
            batch.requests.column("name").to_pylist(), batch.text_index, strict=True
        )
    ]


def test_read_contents_gives_each_request_its_text(tmp_path: Path) -> None:
    path = tmp_path / "a b%20ü#?.parquet"
    write_texts(path, TEXTS)
    rows = [0, 1, 1, 3, 4, 6, 6, 6, 7]
    batches = list(read_contents([plan_batch(path, rows)]))
    assert pairs(batches) == [(f"n{place}", TEXTS[row]) for place, row in enumerate(rows)]
    for batch in batches:
        assert batch.blob_ids.to_pylist() == [blob_id(text) for text in batch.texts.to_pylist()]
        assert batch.requests.schema.names == ["blob_id", "name"]


def test_read_contents_goes_on_where_the_plan_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    write_texts(path, TEXTS)
    rows = [1, 1, 1, 2, 5, 5]
    whole = plan_batch(path, rows)
    batches = list(read_contents([whole.slice(0, 2), whole.slice(2, 3), whole.slice(5)]))
    assert [text for _, text in pairs(batches)] == [TEXTS[row] for row in rows]
    handed_over = [
        text
        for batch in batches
        for place, text in enumerate(batch.texts.to_pylist())
        if not (batch.is_continuation and place == 0)
    ]
    assert handed_over == [TEXTS[row] for row in (1, 2, 5)]


def test_read_contents_goes_from_file_to_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_texts(tmp_path / name, TEXTS)
    plan = [plan_batch(tmp_path / name, [7]) for name in ("a", "b")]
    both = pa.Table.from_batches(plan).combine_chunks().to_batches()
    batches = list(read_contents(both))
    assert [text for _, text in pairs(batches)] == ["z", "z"]
    assert [batch.is_continuation for batch in batches] == [False, False]


def test_read_contents_bounds_bytes_and_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (content_reader, parquet_rows):
        monkeypatch.setattr(module, "MAX_BATCH_BYTES", 100)
        monkeypatch.setattr(module, "MAX_BATCH_ROWS", 3)
    texts = ["a" * 40] * 1 + ["b" * 40, "c" * 40, "d" * 500, "e"]
    path = tmp_path / "d.parquet"
    write_texts(path, texts, rows_per_group=5)
    rows = [0, 1, 2, 3, 3, 3, 3, 4]
    batches = list(read_contents([plan_batch(path, rows, texts)]))
    assert pairs(batches) == [(f"n{place}", texts[row]) for place, row in enumerate(rows)]
    for batch in batches:
        assert len(batch.text_index) <= 3
        assert len(batch.texts) == 1 or sum(map(len, batch.texts.to_pylist())) <= 100
    assert sum(batch.is_continuation for batch in batches) == 1


def test_read_contents_refuses_another_blob(tmp_path: Path) -> None:
    path = tmp_path / "e.parquet"
    write_texts(path, TEXTS)
    wrong = plan_batch(path, [1]).set_column(0, "blob_id", pa.array([blob_id("other")]))
    with pytest.raises(InputError, match="does not hold the blobs"):
        list(read_contents([wrong]))


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("hdfs://lake/x.parquet", "needed a local path or s3a"),  # another file system
        ("file:/nowhere/x.parquet", "cannot read the data file"),  # no such file
        (Path(__file__).as_uri(), "cannot read the data file"),  # not Parquet
    ],
)
def test_open_parquet_says_what_is_wrong(uri: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_parquet(uri)


def write_delta(spark: SparkSession, path: Path, *, numbers_rows: bool = True) -> DataFrame:
    rows = [
        (blob_id(text), len(text.encode()), "ok" if text else "empty", text or None)
        for text in TEXTS
    ]
    spark.createDataFrame(
        rows, "blob_id string, length_bytes bigint, status string, content string"
    ).repartition(3, "blob_id").writeTo(f"delta.`{path}`").using("delta").tableProperty(
        "delta.enableDeletionVectors", str(numbers_rows).lower()
    ).create()
    return spark.read.format("delta").load(str(path))


@pytest.fixture
def contents(spark: SparkSession, tmp_path: Path) -> DataFrame:
    """A Delta table of several files and statuses, in a folder with an awkward name."""
    return write_delta(spark, tmp_path / "lake ü%20#x")


def upper() -> Callable[[Iterator[ContentBatch]], Iterator[pa.RecordBatch]]:
    """A function of a function: tasks cannot import this module."""

    def run(batches: Iterator[ContentBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            texts = [batch.texts[int(index)].as_py().upper() for index in batch.text_index]
            yield batch.requests.select(["name"]).append_column("text", pa.array(texts))

    return run


REQUESTED = [("a", "1"), ("bb" * 10, None), ("bb" * 10, "2"), ("z", "3"), ("", "4"), ("gone", "5")]


@pytest.mark.parametrize("num_partitions", [1, 4, 16, None])
def test_map_contents_reads_a_delta_table(
    spark: SparkSession, contents: DataFrame, num_partitions: int | None
) -> None:
    requests = spark.createDataFrame(
        [(blob_id(text), name) for text, name in REQUESTED], "blob_id string, name string"
    )
    metrics = ReadMetrics(spark)
    plan = plan_reads(requests, contents, num_partitions)
    rows = map_contents(plan, upper(), "name string, text string", metrics).collect()
    # What has no text, or is not there, has no row.
    expected = [(name, text.upper()) for text, name in REQUESTED if text not in ("", "gone")]
    assert sorted(map(tuple, rows), key=str) == sorted(expected, key=str)
    totals = metrics.totals()
    assert totals["num_texts"] == 3
    files = contents.where(F.col("blob_id").isin([blob_id(text) for text, _ in expected_texts()]))
    touched = files.select("_metadata.file_path").distinct().collect()
    assert totals["num_row_groups"] == len(touched)
    assert totals["compressed_bytes"] == sum(_text_bytes(row.file_path) for row in touched)


def expected_texts() -> list[tuple[str, str | None]]:
    return [item for item in REQUESTED if item[0] not in ("", "gone")]


def _text_bytes(uri: str) -> int:
    """Compressed bytes of the two columns that the reader needs."""
    group = open_parquet(uri).metadata.row_group(0)
    chunks = [group.column(place) for place in range(group.num_columns)]
    return sum(
        chunk.total_compressed_size
        for chunk in chunks
        if chunk.path_in_schema in ("blob_id", "content")
    )


def test_plan_reads_finds_rows_behind_a_deletion_vector(
    spark: SparkSession, tmp_path: Path
) -> None:
    folder = tmp_path / "t"
    write_delta(spark, folder)
    spark.sql(f"delete from delta.`{folder}` where blob_id = '{blob_id('a')}'")
    table = spark.read.format("delta").load(str(folder))
    requests = table.select("blob_id", F.col("blob_id").alias("name")).distinct()
    rows = map_contents(
        plan_reads(requests, table, 2), upper(), "name string, text string"
    ).collect()
    found = {row.name: row.text for row in rows}
    assert found == {blob_id(text): text.upper() for text in TEXTS if text not in ("", "a")}


def test_plan_reads_keeps_splits_of_a_file_apart(spark: SparkSession, tmp_path: Path) -> None:
    texts = [hashlib.sha256(str(number).encode()).hexdigest() * 20 for number in range(400)]
    table = pa.table(
        {
            "blob_id": [blob_id(text) for text in texts],
            "length_bytes": [1280] * 400,
            "status": ["ok"] * 400,
            "content": texts,
        }
    )
    pq.write_table(table, tmp_path / "f.parquet", row_group_size=50, compression="none")
    before = spark.conf.get("spark.sql.files.maxPartitionBytes")
    spark.conf.set("spark.sql.files.maxPartitionBytes", 150_000)
    try:
        contents = spark.read.parquet(str(tmp_path / "f.parquet"))
        requests = contents.select("blob_id", F.col("blob_id").alias("name"))
        plan = plan_reads(requests, contents, 3)
        metrics = ReadMetrics(spark)
        rows = map_contents(plan, upper(), "name string, text string", metrics).collect()
        blocks = plan.select("content_block").distinct().count()
    finally:
        spark.conf.set("spark.sql.files.maxPartitionBytes", before or "128MB")
    assert blocks > 1
    assert {row.text for row in rows} == {text.upper() for text in texts}
    # No row group is opened by two tasks.
    assert metrics.totals()["num_row_groups"] == 8


def test_plan_reads_needs_numbered_rows(spark: SparkSession, tmp_path: Path) -> None:
    contents = write_delta(spark, tmp_path / "t", numbers_rows=False)
    with pytest.raises(LakeError, match="enableDeletionVectors"):
        plan_reads(contents.select("blob_id"), contents)
