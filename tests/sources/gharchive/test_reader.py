"""Files of archived events, whole and broken, in a folder and in a store."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from event_archives import STARS
from pyspark.sql import DataFrame
from s3_proxy import EXPIRED, RESET, SLOW_DOWN, Faults, faulty_s3
from s3_servers import S3Server

from stackspark.errors import InputError, SetupError
from stackspark.sources.base.limits import Limits
from stackspark.sources.gharchive import reader as gharchive
from stackspark.sources.gharchive.reader import expand_archives


def test_every_file_is_accounted_for(read: DataFrame, archive: Path) -> None:
    rows = read.where("file is not null").select("file.*").collect()
    found = {
        row["key"]: (row["num_lines"], row["num_events"], row["num_broken"], row["error_class"])
        for row in rows
    }
    assert found == {
        "2015-01-01-0.json.gz": (5, 5, 0, None),
        "2016-01-01-0.json.gz": (3, 3, 0, None),
        "deep/2017-01-01-0.json.gz": (5, 5, 0, None),
        "torn.json.gz": (1, 1, 0, "truncated_file"),
        "broken.json": (4, 1, 2, None),
        "flipped.json.gz": (0, 0, 0, "corrupt_file"),
    }
    assert {row["source"] for row in rows} == {f"gharchive:{archive}"}
    (broken,) = (row for row in rows if row["num_broken"])
    assert broken["first_broken"].startswith("line 1: Expecting property name")


def read_here(location: str) -> list[dict[str, Any]]:
    """Rows of all files below a location, without Spark; sources and paths left out."""
    names = ("source", "key", "path", "task")
    files = [dict(zip(names, row, strict=True)) for row in expand_archives([location])]
    batches = gharchive._read([pa.RecordBatch.from_pylist(files)], Limits())
    rows = [row for batch in batches for row in batch.to_pylist()]
    return [row | {"file": row["file"] and row["file"] | {"source": ""}} for row in rows]


def test_hours_in_a_store_are_those_of_the_folder(
    archive: Path, moto: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in archive.rglob("*.*"):
        key = f"hours/{path.relative_to(archive)}"
        moto.client().put_object(Bucket=s3_bucket, Key=key, Body=path.read_bytes())
    place = f"s3a://{s3_bucket}/hours"
    assert read_here(place) == read_here(str(archive))
    trouble = Faults(rate=0.3, kinds=[SLOW_DOWN, RESET], seed=1, burst=1)
    with faulty_s3(moto.endpoint, trouble) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        assert read_here(place) == read_here(str(archive))
        assert sum(proxy.injected.values()) > 1


def test_file_in_a_store_is_read_in_few_requests(
    moto: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moto.client().put_object(Bucket=s3_bucket, Key="a.json", Body=b"\n".join(STARS * 400))
    with faulty_s3(moto.endpoint, Faults(rate=0.0)) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        *_, last = read_here(f"s3a://{s3_bucket}/a.json")
        assert last["file"]["num_lines"] == 2000
        assert proxy.asked["GET", f"/{s3_bucket}/a.json"] <= 2


def test_store_that_refuses_a_file_ends_the_run_and_no_event_is_lost(
    moto: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moto.client().put_object(Bucket=s3_bucket, Key="a.json", Body=STARS[0])
    expired = Faults(rate=1.0, kinds=[EXPIRED])
    with faulty_s3(moto.endpoint, expired) as proxy:
        proxy.faults = Faults(
            rate=1.0, kinds=[EXPIRED], applies=lambda _, path: path.endswith("/a.json")
        )
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        files = {"source": "", "key": "a.json", "path": f"s3a://{s3_bucket}/a.json", "task": 0}
        with pytest.raises(SetupError, match=r"a\.json cannot be read.*run again"):
            list(gharchive._read([pa.RecordBatch.from_pylist([files])], Limits()))


def test_missing_archives_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gharchive: there is no file or folder .*/none; check"):
        expand_archives([str(tmp_path / "none")])
    with pytest.raises(InputError, match="found none below"):
        expand_archives([str(tmp_path)])
