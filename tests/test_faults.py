"""Whole runs that are broken: what was published stays, and the next run ends with the same bytes.

docs/operations.md has a row for each of them. Most start from a lake with a published run and
change a limit, so that what is broken is what a run does after its scan.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from fault_program import WAKE_FILE
from planted import Fixture, plant
from whole_runs import Ended, ended, publications, run, send, shard_hashes, start

LIMIT = ("--set", "filters.long_lines.max_avg_line_length=35")
NUM_KILLS = 10

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Reference:
    """Runs that nothing broke: a lake with one publication, and what comes of another limit."""

    planted: Fixture
    lake: Path
    seconds: float
    hashes: dict[str, str]
    limited: dict[str, str]

    def copy(self, folder: Path) -> Path:
        return Path(shutil.copytree(self.lake, folder / "lake"))

    def run_limited(self, lake: Path, fault: str = "none") -> Ended:
        return run(self.planted.recipe, lake, *LIMIT, fault=fault)

    def check_unchanged(self, lake: Path) -> None:
        """Readers see the first run as it was."""
        assert publications(lake) == publications(self.lake)
        hashes = shard_hashes(lake)
        assert {name: hashes.get(name) for name in self.hashes} == self.hashes

    def check_rerun(self, lake: Path) -> None:
        """The same command again ends as if nothing had happened."""
        done = self.run_limited(lake)
        assert done.code == 0, done.line
        assert shard_hashes(lake) == self.limited


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("reference")
    planted = plant(folder / "planted")
    started = time.monotonic()
    assert run(planted.recipe, folder / "lake").code == 0
    seconds = time.monotonic() - started
    shutil.copytree(folder / "lake", folder / "limited")
    assert run(planted.recipe, folder / "limited", *LIMIT).code == 0
    hashes, limited = shard_hashes(folder / "lake"), shard_hashes(folder / "limited")
    assert len(limited) > len(hashes)
    return Reference(planted, folder / "lake", seconds, hashes, limited)


@pytest.mark.parametrize(
    "place",
    [
        "kill_after:stackspark.io.lake.Lake.write",
        "kill_before:stackspark.io.lake.Lake.publish",
        "kill_after:stackspark.io.lake.Lake.publish",
    ],
)
def test_driver_killed_at_a_commit(reference: Reference, tmp_path: Path, place: str) -> None:
    """A version that was committed and not recorded, a run that was not published, one that was."""
    lake = reference.copy(tmp_path)
    assert reference.run_limited(lake, place).code == -signal.SIGKILL
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
    done = reference.run_limited(lake)
    assert done.code == 5
    assert done.line.startswith("stackspark: the disk is full: free space at the lake ")
    reference.check_unchanged(lake)
    subprocess.run(["mount", "-o", "remount,size=256m", small_disk], check=True)
    reference.check_rerun(lake)


def test_log_entry_that_is_gone(reference: Reference, tmp_path: Path) -> None:
    lake = reference.copy(tmp_path)
    entry = lake / "tables" / "ledger" / "_delta_log" / f"{0:020}.json"
    entry.rename(tmp_path / "kept.json")
    done = reference.run_limited(lake)
    assert done.code == 3
    assert "table ledger of lake" in done.line
    assert "its log ends at version -1, version 0 was recorded" in done.line
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
    done = reference.run_limited(lake)
    assert done.code == 3
    assert "a file of the lake is damaged" in done.line
    assert f"tables/{table}/" in done.line
    reference.check_unchanged(lake)
    for file, data in whole.items():
        file.write_bytes(data)
    reference.check_rerun(lake)


def test_two_runs_at_once(reference: Reference, tmp_path: Path) -> None:
    lake = reference.copy(tmp_path)
    first = start(reference.planted.recipe, lake, *LIMIT)
    _wait_for(lake / "locks" / "writer.lock")
    second = reference.run_limited(lake)
    assert second.code == 6
    assert f"lake {lake} is held by run " in second.line
    assert ended(first).code == 0
    assert shard_hashes(lake) == reference.limited
    assert len(publications(lake)) == 2


def test_holder_that_sleeps_past_its_lease(reference: Reference, tmp_path: Path) -> None:
    """It sleeps before its first commit, another run takes the lake over, and then it wakes."""
    lake = reference.copy(tmp_path)
    wake = {WAKE_FILE: str(tmp_path / "wake")}
    fault = "sleep_before:stackspark.io.locks.LakeLock.renew"
    first = start(reference.planted.recipe, lake, *LIMIT, fault=fault, environment=wake)
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
    assert reference.run_limited(lake, "clock_back").code == 0
    assert shard_hashes(lake) == reference.limited
    reference.check_rerun(lake)


@pytest.mark.parametrize("number", range(NUM_KILLS))
def test_killed_at_a_random_moment(reference: Reference, tmp_path: Path, number: int) -> None:
    """Driver, JVM and workers are killed in the middle of a whole run on a new lake."""
    lake = tmp_path / "lake"
    seed = os.environ.get("STACKSPARK_TEST_SEED", "")
    moment = random.Random(f"{seed}{number}").uniform(0.05, 0.95) * reference.seconds
    process = start(reference.planted.recipe, lake)
    time.sleep(moment)
    send(process, signal.SIGKILL)
    assert ended(process).code in (-signal.SIGKILL, 0)
    done = run(reference.planted.recipe, lake)
    assert done.code == 0, done.line
    assert shard_hashes(lake) == reference.hashes


def _wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.1)
    pytest.fail(f"{path} never came")
