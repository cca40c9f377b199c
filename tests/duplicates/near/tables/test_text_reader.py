from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.duplicates.near.tables.text_reader import (
    CONTENT,
    PLACE,
    TextReader,
    rows_with_texts,
)
from stackspark.runtime.storage import parquet_rows

TEXTS = ["a", None, "c" * 300, "", "é😀", "f" * 40, "g"]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Parquet files of several row groups and encodings, in a folder with an awkward name."""
    path = tmp_path / "texts ü%20#x"
    path.mkdir()
    ids = list(range(len(TEXTS)))
    plain = pa.table({"id": ids, "text": TEXTS})
    pq.write_table(plain, path / "a.parquet", row_group_size=3)
    encoded = pc.dictionary_encode(plain["text"])
    again = plain.set_column(1, "text", encoded).set_column(0, "id", pc.add(plain["id"], 100))
    pq.write_table(again, path / "b.parquet", row_group_size=2)
    return str(path)


def read_all(texts: DataFrame, in_files: bool, odd: bool = False) -> dict[int, Any]:
    """Texts by id, as tasks get them; of odd ids only, or of all."""
    rows, reader = rows_with_texts(texts, "text", [F.col("id")], in_files)
    assert rows.columns == ["id", *(PLACE if in_files else [CONTENT])]

    def is_odd(batch: pa.RecordBatch) -> pa.BooleanArray:
        return pc.equal(pc.bit_wise_and(batch.column("id"), 1), 1)

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for values, batch in reader.texts_of(batches, is_odd if odd else None):
            yield batch.append_column("text", values.cast(pa.string()))

    return {row.id: row.text for row in rows.mapInArrow(run, "id bigint, text string").collect()}


EXPECTED = {first + place: text for first in (0, 100) for place, text in enumerate(TEXTS)}


@pytest.mark.parametrize("odd", [False, True])
def test_texts_are_the_same_from_files_and_from_rows(
    spark: SparkSession, folder: str, odd: bool
) -> None:
    texts = spark.read.parquet(folder)
    expected = {number: text for number, text in EXPECTED.items() if not odd or number % 2}
    assert read_all(texts, True, odd) == expected
    assert read_all(texts, False, odd) == expected


def test_texts_that_are_no_text_pass_spark(spark: SparkSession, folder: str) -> None:
    rows, _ = rows_with_texts(spark.read.parquet(folder), "id", [], in_files=True)
    assert rows.columns == [CONTENT]


def test_texts_come_in_batches_of_bounded_bytes(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_rows, "MAX_BATCH_BYTES", 1)
    uri = Path(folder, "a.parquet").as_uri()
    places = pa.record_batch({PLACE[0]: [uri] * 6, PLACE[1]: [0, 1, 2, 3, 5, 6]})
    read = list(TextReader(column="text").texts_of([places]))
    assert [text.to_pylist() for text, _ in read] == [[TEXTS[row]] for row in (0, 1, 2, 3, 5, 6)]
    assert [rows.num_rows for _, rows in read] == [1] * 6
