from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from stackspark.commands.run import RunOptions, run_recipe
from stackspark.lake.lake import Lake
from stackspark.sources.fetching import requests
from stackspark.texts.decoding import decode

GUESSED = "# комментарий к программе, написанный по-русски\nx = 1\n".encode("cp1251")


def _table(spark: SparkSession, root: str, name: str) -> DataFrame:
    lake = Lake(root)
    return lake.read(spark, name, lake.base_version(spark, name))


def test_what_an_older_decoder_guessed_is_decoded_and_measured_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decoder of the second run is newer to the driver; what tasks do is the same."""
    source, lake = tmp_path / "source", str(tmp_path / "lake")
    source.mkdir()
    (source / "guessed.py").write_bytes(GUESSED)
    (source / "certain.py").write_text("y = 2\n")
    (source / "binary.bin").write_bytes(b"\0\1\2")
    options = RunOptions(
        recipe="default",
        sources=(f"dir:{source}",),
        settings=("license_texts.detector=built_in", "canaries=false"),
        lake=lake,
        until="scan",
        quiet=True,
    )
    run_recipe(options)
    before = {row["blob_id"]: row for row in _table(spark, lake, "contents").collect()}
    (source / "new.py").write_text("z = 3\n")
    monkeypatch.setattr(requests, "DECODER_VERSION", decode.DECODER_VERSION + 1)
    run_recipe(options)
    contents = _table(spark, lake, "contents")
    after = {row["blob_id"]: row for row in contents.collect()}
    assert contents.count() == len(after) == 4
    assert {blob: after[blob] for blob in before} == before
    assert _table(spark, lake, "measurements").count() == 3
    assert _operations(spark, lake, "contents") == ["CREATE OR REPLACE", "MERGE", "WRITE"]
    assert _operations(spark, lake, "measurements") == ["CREATE OR REPLACE"] * 2 + ["WRITE"]


def _operations(spark: SparkSession, root: str, name: str) -> list[str]:
    """Kinds of commits of a table, the first one first."""
    path = Lake(root).table_path(name)
    rows = spark.sql(f"describe history delta.`{path}`").orderBy("version").collect()
    return [row["operation"].removesuffix(" TABLE AS SELECT") for row in rows]
