"""Whole runs that are broken: what was published stays, and the next run ends with the same bytes.

docs/operations.md has a row for each of them. Most start from a lake with a published run and
change a limit, so that what is broken is what a run does after its scan.
"""

import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil
import pytest
from fault_program import WAKE_FILE
from planted import Fixture, plant
from pyspark.sql import SparkSession
from whole_runs import Ended, ended, publications, run, send, shard_hashes, start

from stackspark.commands.run import RunOptions, RunOutcome, run_recipe

FILES = ("--set", "exports=[files]")
LIMIT = ("--set", "filters.long_lines.max_avg_line_length=35")
NUM_KILLS = 10

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Reference:
    """Runs that nothing broke: a lake with one publication, and what comes of another limit."""

    planted: Fixture
    lake: Path
    hashes: dict[str, str]

    @cached_property
    def limited(self) -> dict[str, str]:
        lake = Path(shutil.copytree(self.lake, self.lake.with_name("limited")))
        _run(self.planted, lake, LIMIT[1])
        hashes = shard_hashes(lake)
        assert len(hashes) > len(self.hashes)
        return hashes

    def copy(self, folder: Path) -> Path:
        return Path(shutil.copytree(self.lake, folder / "lake"))

    def broken_run(self, lake: Path, fault: str = "none") -> Ended:
        """A run with another limit in a process of its own."""
        return run(self.planted.recipe, lake, *FILES, *LIMIT, fault=fault)

    def check_unchanged(self, lake: Path) -> None:
        """Readers see the first run as it was."""
        assert publications(lake) == publications(self.lake)
        hashes = shard_hashes(lake)
        assert {name: hashes.get(name) for name in self.hashes} == self.hashes

    def check_rerun(self, lake: Path) -> None:
        """The same command again, in this process, ends as if nothing had happened."""
        assert _run(self.planted, lake, LIMIT[1]).is_published
        assert shard_hashes(lake) == self.limited


def _run(planted: Fixture, lake: Path, *settings: str) -> RunOutcome:
    options = RunOptions(
        recipe=planted.recipe, lake=str(lake), quiet=True, settings=(FILES[1], *settings)
    )
    return run_recipe(options)


@pytest.fixture(scope="module")
def reference(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("reference")
    planted = plant(folder / "planted")
    _run(planted, folder / "lake")
    return Reference(planted, folder / "lake", shard_hashes(folder / "lake"))


@pytest.mark.parametrize(
    "place",
    [
        "kill_after:stackspark.lake.lake.Lake.write",
        "kill_before:stackspark.lake.lake.Lake.publish",
        "kill_after:stackspark.lake.lake.Lake.publish",
    ],
)
def test_driver_killed_at_a_commit(reference: Reference, tmp_path: Path, place: str) -> None:
    """A version that was committed and not recorded, a run that was not published, one that was."""
    lake = reference.copy(tmp_path)
    assert reference.broken_run(lake, place).code == -signal.SIGKILL
    assert (lake / "locks" / "writer.lock").exists()
    if "kill_after" in place and "publish" in place:
        assert len(publications(lake)) == 2
        assert shard_hashes(lake) == reference.limited
    else:
        reference.check_unchanged(lake)
    reference.check_rerun(lake)


@pytest.fixture
def small_disk(reference: Reference, tmp_path: Path) -> Iterator[Path]:
    """A disk with a copy of the lake on it and room for 200 kB more."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], check=False)
    if done.returncode:
        pytest.fail("mounting a small disk needs root")
    reference.copy(disk)
    used = psutil.disk_usage(str(disk)).used
    subprocess.run(["mount", "-o", f"remount,size={used + 200_000}", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_disk_that_is_full(reference: Reference, small_disk: Path) -> None:
    lake = small_disk / "lake"
    done = reference.broken_run(lake)
    assert done.code == 5
    assert done.line.startswith("stackspark: the disk is full: free space at the lake ")
    reference.check_unchanged(lake)
    subprocess.run(["mount", "-o", "remount,size=256m", small_disk], check=True)
    reference.check_rerun(lake)


def test_log_entry_that_is_gone(reference: Reference, tmp_path: Path) -> None:
    lake = reference.copy(tmp_path)
    entry = lake / "tables" / "ledger" / "_delta_log" / f"{1:020}.json"
    entry.rename(tmp_path / "kept.json")
    done = reference.broken_run(lake)
    assert done.code == 3
    assert "table ledger of lake" in done.line
    assert "its log ends at version 0, version 1 was recorded" in done.line
    reference.check_unchanged(lake)
    (tmp_path / "kept.json").rename(entry)
    reference.check_rerun(lake)


@pytest.mark.parametrize("table", ["licenses", "contents"])
def test_data_file_that_is_cut_short(reference: Reference, tmp_path: Path, table: str) -> None:
    """One that Spark reads, and one that tasks read themselves."""
    lake = reference.copy(tmp_path)
    files = list((lake / "tables" / table).glob("*.parquet"))
    whole = {file: file.read_bytes() for file in files}
    for file, data in whole.items():
        file.write_bytes(data[: len(data) // 2])
    done = reference.broken_run(lake)
    assert done.code == 3
    assert re.search(r"a file of the lake .* is damaged|cannot read the data file", done.line)
    assert f"tables/{table}/" in done.line
    reference.check_unchanged(lake)
    for file, data in whole.items():
        file.write_bytes(data)
    reference.check_rerun(lake)


def test_two_runs_at_once(reference: Reference, tmp_path: Path) -> None:
    lake = reference.copy(tmp_path)
    first = start(reference.planted.recipe, lake, *FILES, *LIMIT)
    _wait_for(lake / "locks" / "writer.lock")
    second = reference.broken_run(lake)
    assert second.code == 6
    assert f"lake {lake} is held by run " in second.line
    assert ended(first).code == 0
    assert shard_hashes(lake) == reference.limited
    assert len(publications(lake)) == 2


def test_holder_that_sleeps_past_its_lease(reference: Reference, tmp_path: Path) -> None:
    """It sleeps before its first commit, another run takes the lake over, and then it wakes."""
    lake = reference.copy(tmp_path)
    wake = {WAKE_FILE: str(tmp_path / "wake")}
    fault = "sleep_before:stackspark.lake.locks.LakeLock.renew"
    first = start(reference.planted.recipe, lake, *FILES, *LIMIT, fault=fault, environment=wake)
    assert first.stderr
    while first.stderr.readline() != "asleep\n":
        assert first.poll() is None
    reference.check_rerun(lake)
    before = publications(lake)
    (tmp_path / "wake").touch()
    woken = ended(first)
    assert woken.code == 6
    assert "lost the lock of lake" in woken.line
    assert publications(lake) == before
    assert shard_hashes(lake) == reference.limited


def test_clock_that_is_set_back(reference: Reference, tmp_path: Path) -> None:
    lake = reference.copy(tmp_path)
    assert reference.broken_run(lake, "clock_back").code == 0
    assert shard_hashes(lake) == reference.limited
    reference.check_rerun(lake)


@pytest.mark.parametrize("number", range(NUM_KILLS))
def test_killed_at_a_random_moment(reference: Reference, tmp_path: Path, number: int) -> None:
    """Driver, JVM and workers are killed in the middle of a whole run on a new lake."""
    lake, chosen = tmp_path / "lake", random.Random(number)
    process = start(reference.planted.recipe, lake, *FILES)
    _wait_for(lake / "locks" / "writer.lock")
    # Steps take their time, so the moment is one of a step, by what has been recorded.
    steps, moment = chosen.randrange(8), chosen.uniform(0, 8)
    runs = lake / "tables" / "runs" / "_delta_log"
    while process.poll() is None and len(list(runs.glob("*.json"))) < steps:
        time.sleep(0.1)
    time.sleep(moment)
    send(process, signal.SIGKILL)
    assert ended(process).code in (-signal.SIGKILL, 0)
    assert _run(reference.planted, lake).is_published
    assert shard_hashes(lake) == reference.hashes


def _wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.1)
    pytest.fail(f"{path} never came")
