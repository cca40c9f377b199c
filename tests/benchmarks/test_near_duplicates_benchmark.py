import pytest
from near_duplicates import measure
from pyspark.sql import SparkSession


def test_measure_finds_the_pair_and_prints_its_speed(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"sail{number}" for number in range(200)]
    texts = {"a": words, "b": [*words[:-1], "keel"], "c": [f"{word}s" for word in words]}
    rows = [(name, " ".join(text), "") for name, text in texts.items()]
    frame = spark.createDataFrame(rows, "blob_id string, content string, scope string")
    found = measure(frame, 3_000)
    assert (found.num_texts, found.num_removed) == (3, 1)
    assert capsys.readouterr().out.endswith("MB/s per core\n")
