"""An archive of hourly files, whole and broken, and its rows."""

import gzip
from pathlib import Path

import pytest
from event_archives import HOURS, STARS
from pyspark.sql import DataFrame, SparkSession

from stackspark.sources.base.limits import Limits
from stackspark.sources.gharchive.reader import FILES_DDL, expand_archives, read_events


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    for name, lines in HOURS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    whole = (folder / "2015-01-01-0.json.gz").read_bytes()
    (folder / "torn.json.gz").write_bytes(gzip.compress(b"\n".join(STARS[:2]), 0)[:-9])
    (folder / "broken.json").write_bytes(b"{\n\n" + STARS[1] + b"\nno\xff\n")
    (folder / "flipped.json.gz").write_bytes(whole[:20] + b"\xff\xff\xff" + whole[23:])
    (folder / "README").write_text("no events")
    return folder


@pytest.fixture(scope="module")
def read(spark: SparkSession, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    files = expand_archives([str(archive), f"{archive}/torn.json.gz"])
    rows = read_events(spark.createDataFrame(files, FILES_DDL), 3, Limits())
    path = str(tmp_path_factory.mktemp("read") / "events")
    rows.write.parquet(path)
    return spark.read.parquet(path)


@pytest.fixture(scope="module")
def events(read: DataFrame) -> DataFrame:
    return read.where("event is not null").select("event.*")
