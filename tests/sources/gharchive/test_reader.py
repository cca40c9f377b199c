"""Files of archived events, whole and broken, and what they tell of repositories."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from s3_proxy import EXPIRED, RESET, SLOW_DOWN, Faults, faulty_s3
from s3_servers import S3Server

from stackspark.errors import InputError, SetupError
from stackspark.sources.base.limits import Limits
from stackspark.sources.gharchive import reader as gharchive
from stackspark.sources.gharchive.describe_repositories import describe_repositories
from stackspark.sources.gharchive.list_repository_names import list_repository_names
from stackspark.sources.gharchive.match_repositories import match_repositories, name_key
from stackspark.sources.gharchive.reader import FILES_DDL, expand_archives, read_events


def event(number: int, kind: str, github_id: int, name: str, year: int, **payload: Any) -> bytes:
    return json.dumps(
        {
            "id": str(number),
            "type": kind,
            "repo": {"id": github_id, "name": name},
            "payload": payload,
            "created_at": f"{year}-01-01T00:00:00Z",
        }
    ).encode()


def described(license_id: str | None, branch: str, **more: Any) -> dict[str, Any]:
    given = {"spdx_id": license_id} if license_id else None
    repository = {"id": 1, "full_name": "ada/ships", "default_branch": branch, "license": given}
    return {"base": {"repo": repository | more}}


STARS = [event(number, "WatchEvent", 1, "Ada/Ships", 2015) for number in range(5)]
HOURS: dict[str, list[bytes]] = {
    "2015-01-01-0.json.gz": STARS,
    # Repeated events, under the repository's next name and in another file.
    "2016-01-01-0.json.gz": [*STARS[:2], event(10, "WatchEvent", 1, "ada/Vessels", 2017)],
    "deep/2017-01-01-0.json.gz": [
        event(20, "PullRequestEvent", 1, "ada/vessels", 2017, pull_request=described("MIT", "old")),
        event(21, "PullRequestEvent", 1, "ada/vessels", 2018, pull_request=described(None, "new")),
        event(22, "ForkEvent", 1, "ada/vessels", 2018, forkee={"id": 3, "full_name": "bob/v"}),
        event(23, "PushEvent", 2, "ada/ships", 2019),
        event(24, "CreateEvent", 2, "ada/ships", 2020, master_branch="main"),
    ],
}


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


def test_stars_count_once_and_follow_the_repository(events: DataFrame) -> None:
    rows = {row["github_id"]: row for row in describe_repositories(events).collect()}
    assert {key: (row[1], row[2], row[3]) for key, row in rows.items()} == {
        1: (6, 1, "new"),
        2: (0, 0, "main"),
    }
    # The latest description as a whole: its licence was taken away.
    assert rows[1]["gha_license_id"] is None
    assert rows[1]["gha_event_created_at"] == datetime(2018, 1, 1)


def test_repeated_input_changes_nothing(events: DataFrame) -> None:
    twice = events.unionByName(events).repartition(7)
    for stage in (describe_repositories, list_repository_names):
        assert sorted(stage(twice).collect()) == sorted(stage(events).collect())


def test_names_over_time(events: DataFrame) -> None:
    rows = list_repository_names(events).collect()
    found = {(row["name_key"], row["github_id"]): (row[2].year, row[3].year) for row in rows}
    assert found == {
        ("ada/ships", 1): (2015, 2018),  # what a pull request says of its base counts as well
        ("ada/vessels", 1): (2017, 2018),
        ("ada/ships", 2): (2019, 2020),
    }


def test_origin_meets_the_owner_of_its_name_at_its_visit(
    spark: SparkSession, events: DataFrame
) -> None:
    year = lambda number: datetime(number, 6, 1, tzinfo=UTC)  # noqa: E731
    origins = [
        ("https://github.com/ada/ships", year(2018), 1, 6),
        ("https://github.com/Ada/Ships.git", year(2021), 2, 0),
        ("https://github.com/ada/ships", None, 2, 0),
        ("https://github.com/ada/ships", year(2010), 1, 6),  # nobody had it yet
        ("https://www.github.com/ada/vessels/tree/main", year(2021), 1, 6),
        ("https://github.com/nobody/ships", year(2018), None, 0),
        ("https://gitlab.com/ada/ships", year(2018), None, 0),
    ]
    given = spark.createDataFrame(
        [(n, *row[:2]) for n, row in enumerate(origins)],
        "n int, origin_url string, visit_date timestamp",
    )
    names, repositories = list_repository_names(events), describe_repositories(events)
    rows = match_repositories(given, names, repositories).orderBy("n").collect()
    assert [(row["github_id"], row["star_events_count"]) for row in rows] == [
        row[2:] for row in origins
    ]
    assert rows[0]["default_branch"] == "new"


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://GitHub.com/Owner/Name", "owner/name"),
        ("git://github.com/owner/name.git/", "owner/name"),
        ("git@github.com:owner/name.git", "owner/name"),
        ("https://user@github.com:443//owner/name.js?tab=x#y", "owner/name.js"),
        ("https://github.com/owner", None),
        ("https://github.com/", None),
        ("https://notgithub.com/owner/name", None),
        ("https://example.org/github.com/owner/name", None),
    ],
)
def test_name_key(spark: SparkSession, url: str, key: str | None) -> None:
    row = spark.range(1).select(F.lit(url).alias("url")).select(name_key("url")).collect()[0]
    assert row[0] == key


def test_missing_archives_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gharchive: there is no file or folder .*/none; check"):
        expand_archives([str(tmp_path / "none")])
    with pytest.raises(InputError, match="found none below"):
        expand_archives([str(tmp_path)])
