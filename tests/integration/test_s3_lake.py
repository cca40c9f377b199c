"""Whole runs with the lake in an object store: the same shards, and one writer at a time."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from places import REPOSITORY
from s3_proxy import RESET, SLOW, SLOW_DOWN, TRUNCATED, Faults, faulty_s3
from s3_servers import S3Server, ended, started

from stackspark.cli import exit_code
from stackspark.lake.locks import LakeLock

SUPPORT = REPOSITORY / "tests" / "support"
MAX_TRIES = 4


def program(server: S3Server | None, *arguments: str) -> Any:
    """The answer of one of `s3_programs`."""
    code, out, err = ended(started(server, str(SUPPORT / "s3_programs.py"), *arguments))
    assert code == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A recipe over three files of this package, one of them twice."""
    folder = tmp_path_factory.mktemp("recipe")
    package = REPOSITORY / "stackspark" / "runtime" / "storage"
    source = folder / "source"
    source.mkdir()
    for name in ("s3.py", "objects.py"):
        (source / name).write_bytes((package / name).read_bytes())
    (source / "again.py").write_bytes((package / "s3.py").read_bytes())
    (source / "LICENSE").write_bytes((REPOSITORY / "LICENSE").read_bytes())
    document = {
        "extends": "default",
        "name": "small",
        "license_texts": {"detector": "built_in"},
        "sources": [{"source": f"dir:{source}", "origin": "https://example.org/a/b"}],
    }
    (folder / "small.yaml").write_text(yaml.safe_dump(document))
    return str(folder / "small.yaml")


@pytest.fixture(scope="module")
def on_disk(recipe: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Hashes of the shards of the same recipe in a lake on disk."""
    lake = tmp_path_factory.mktemp("lake")
    program(None, "whole", recipe, str(lake))
    return {
        str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (lake / "shards").rglob("*.parquet")
    }


@pytest.fixture(scope="module", params=["moto", "seaweedfs"])
def server(request: pytest.FixtureRequest) -> Iterator[S3Server]:
    found: S3Server = request.getfixturevalue(request.param)
    found.create_bucket("whole")
    return found


@pytest.mark.integration
def test_run_in_a_bucket_makes_the_same_shards(
    server: S3Server, recipe: str, on_disk: dict[str, str]
) -> None:
    made = program(server, "whole", recipe, "s3a://whole/lakes/one")
    prefix = "lakes/one/"
    keys = [key.removeprefix(prefix) for key in server.keys("whole", prefix)]
    shards = [key for key in keys if key.startswith("shards/") and key.endswith(".parquet")]
    assert _hashes(server, "whole", [prefix + key for key in shards], prefix) == on_disk
    for export in made["exports"]:
        assert {f"{export['folder']}/manifest.json", f"{export['folder']}/README.md"} <= set(keys)
    assert not made["staged"]
    assert made["after_stage"] == ["list", "fetch"]
    assert made["taken_over"] == [
        "list", "fetch", "scan", "licenses", "verdicts", "near_duplicates", "checks", "documents",
        "export",
    ]  # fmt: skip
    assert made["valid"]
    assert "status    KEPT" in made["explained"]
    assert made["report"].startswith("s3a://whole/lakes/one/reports/")
    assert {"reports/latest.html", "reports/latest.json"} <= set(keys)
    assert [key for key in keys if key.startswith("scratch/") and not key.endswith("/")] == []


@pytest.mark.integration
def test_store_that_fails_now_and_then_changes_no_byte(
    seaweedfs: S3Server, recipe: str, on_disk: dict[str, str]
) -> None:
    """Of all answers, also to writes, three in a hundred: refused, reset, cut off or slow."""
    seaweedfs.create_bucket("failing")
    command = ("-m", "stackspark.cli", "run", recipe, "--lake", "s3a://failing/lake")
    kinds = (SLOW_DOWN, RESET, TRUNCATED, SLOW)
    faults = Faults(rate=0.03, kinds=kinds, seed=5, applies=lambda *_: True)
    with faulty_s3(seaweedfs.endpoint, faults) as proxy:
        for _ in range(MAX_TRIES):
            run = started(
                seaweedfs, *command, "--master", "local[2]", AWS_ENDPOINT_URL=proxy.endpoint
            )
            code, _, err = ended(run)
            assert code in (0, 3, 5), err
            assert "Traceback" not in err
            if code == 0:
                break
    assert code == 0, err
    assert set(proxy.injected) == set(kinds)
    keys = seaweedfs.keys("failing", "lake/shards/")
    shards = [key for key in keys if key.endswith(".parquet")]
    assert _hashes(seaweedfs, "failing", shards, "lake/") == on_disk


def _hashes(server: S3Server, bucket: str, keys: Iterable[str], prefix: str) -> dict[str, str]:
    client = server.client()
    bodies = {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
    return {
        key.removeprefix(prefix): hashlib.sha256(body).hexdigest() for key, body in bodies.items()
    }


@pytest.mark.integration
def test_near_duplicates_go_from_bucket_to_bucket(server: S3Server, tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(200))
    texts = {"id": [1, 2, 3], "text": [words, words + " more", "nothing like the others at all"]}
    pq.write_table(pa.table(texts), tmp_path / "texts.parquet")
    client = server.client()
    client.upload_file(str(tmp_path / "texts.parquet"), "whole", "texts/texts.parquet")
    found, in_tasks = program(server, "twins", "s3a://whole/texts", "s3a://whole/clean")
    assert found == in_tasks
    assert found["removed"] == 1
    assert len(found["kept"]) == 2
    assert 3 in found["kept"]


@pytest.mark.integration
def test_of_two_runs_one_is_refused_and_no_commit_is_lost(server: S3Server, recipe: str) -> None:
    place = ("--recipe", recipe, "--lake", "s3a://whole/lakes/raced", "--master", "local[1]")
    command = ("-m", "stackspark.cli", "step", "fetch", *place, "--json")
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(ended, [started(server, *command) for _ in range(2)]))
    ends.sort(key=lambda end: end[0])
    assert [code for code, _, _ in ends] == [0, 6], ends
    won = json.loads(ends[0][1].splitlines()[-1])
    assert f"is held by run {won['run_id']}" in ends[1][2]
    # The last commit of each table is the one that was recorded, and both steps were.
    last = won["table_versions"] | {"runs": 1}
    assert {"origins", "contents", "files", "quarantine"} < set(last)
    tables = "lakes/raced/tables/"
    logs = [key for key in server.keys("whole", tables) if re.search(r"/\d{20}\.json$", key)]
    expected = {
        f"{tables}{name}/_delta_log/{n:020}.json" for name in last for n in range(last[name] + 1)
    }
    assert set(logs) == expected


@pytest.mark.integration
def test_commits_without_the_lock_replace_no_other(server: S3Server) -> None:
    """The second line of defence: a commit that another writer was quicker with is refused."""
    table = "s3a://whole/tables/raced"
    program(server, "append", table, "first", "1")
    script = str(SUPPORT / "s3_programs.py")
    writers = {
        name: started(server, script, "append", table, name, "12") for name in ("left", "right")
    }
    expected = [["first", 0]]
    for name, writer in writers.items():
        code, out, err = ended(writer)
        assert code == 0, err
        expected += [[name, number] for number in json.loads(out.splitlines()[-1])]
    assert program(server, "rows", table) == sorted(expected)


def test_run_is_refused_while_another_one_holds_the_lake(
    s3_bucket: str, recipe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = f"s3a://{s3_bucket}/lake"
    with LakeLock(lake, "run-1"):
        assert exit_code(["run", recipe, "--lake", lake, "--quiet"], "stackspark") == 6
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"lake {lake} is held by run run-1 (process {os.getpid()} on" in line
