from pathlib import Path

import near_duplicates
import pytest
from pyspark import cloudpickle
from pyspark.sql import SparkSession

from stackspark.io.scratch import Scratch


def test_whole_stage_finds_the_pair_and_prints_its_speed(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Workers cannot import a script.
    cloudpickle.register_pickle_by_value(near_duplicates)
    words = [f"sail{number}" for number in range(200)]
    texts = {"a": words, "b": [*words[:-1], "keel"], "c": [f"{word}s" for word in words]}
    rows = [(name * 40, " ".join(text), "") for name, text in texts.items()]
    frame = spark.createDataFrame(rows, "blob_id string, content string, scope string")
    found = near_duplicates.whole_stage(frame, Scratch(folder=str(tmp_path)), 3_000)
    (twin,) = found.rows.collect()
    assert {twin["blob_id"], twin["kept_blob_id"]} == {"a" * 40, "b" * 40}
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["measure", "search", "whole"]
