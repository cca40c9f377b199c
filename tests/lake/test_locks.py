"""The writer's lock: one holder, recovery from dead ones, and no write after it is lost."""

import errno
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from stackspark.errors import LakeError, LockedError, SetupError
from stackspark.lake.locks import LOCK_NAME, LakeLock


def lock_file(lake: Path) -> dict[str, object]:
    return dict(json.loads((lake / LOCK_NAME).read_text()))


def change_lock_file(lake: Path, **changes: object) -> None:
    (lake / LOCK_NAME).write_text(json.dumps(lock_file(lake) | changes))


def test_lake_lock_names_its_holder_and_goes_when_released(tmp_path: Path) -> None:
    with LakeLock(str(tmp_path), "run-1"):
        assert lock_file(tmp_path)["run_id"] == "run-1"
        assert lock_file(tmp_path)["pid"] == os.getpid()
    assert not (tmp_path / LOCK_NAME).exists()


def test_lake_lock_refuses_a_second_writer_and_names_the_first(tmp_path: Path) -> None:
    with LakeLock(str(tmp_path), "run-1"):
        with pytest.raises(LockedError, match=r"run run-1 \(process \d+ on .+ wait for it"):
            LakeLock(str(tmp_path), "run-2").__enter__()
        assert lock_file(tmp_path)["run_id"] == "run-1"


def test_lake_lock_admits_one_of_many_threads(tmp_path: Path) -> None:
    barrier, held, refused = threading.Barrier(8), [], []

    def take(number: int) -> None:
        lock = LakeLock(str(tmp_path), f"run-{number}")
        barrier.wait()
        try:
            held.append(lock.__enter__())
        except LockedError:
            refused.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, 7)
    held[0].__exit__(None, None, None)


def test_lake_lock_takes_over_from_a_process_that_died(tmp_path: Path) -> None:
    script = f"""
import os
from stackspark.lake.locks import LakeLock
LakeLock({str(tmp_path)!r}, "run-dead").__enter__()
os._exit(1)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    assert lock_file(tmp_path)["run_id"] == "run-dead"
    with LakeLock(str(tmp_path), "run-2"):
        assert lock_file(tmp_path)["run_id"] == "run-2"


def test_lake_lock_takes_over_a_process_id_that_is_another_process_now(tmp_path: Path) -> None:
    LakeLock(str(tmp_path), "run-1").__enter__()
    change_lock_file(tmp_path, process_started=1.0)
    with LakeLock(str(tmp_path), "run-2"):
        assert lock_file(tmp_path)["run_id"] == "run-2"


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="no clock is told there")
def test_lake_lock_is_not_taken_from_a_live_process_whose_clock_was_set(tmp_path: Path) -> None:
    """Its start by the wall clock is told anew from the time of the boot, which moves with it."""
    with LakeLock(str(tmp_path), "run-1"):
        ticks = lock_file(tmp_path)["process_started"]
    boot = psutil.boot_time()
    assert ticks == pytest.approx(
        (psutil.Process().create_time() - boot) * os.sysconf("SC_CLK_TCK"), abs=200
    )


@pytest.mark.parametrize("data", ["", "{}", "[]", "holder: me"])
def test_lake_lock_that_cannot_be_read_is_one_clear_line(tmp_path: Path, data: str) -> None:
    LakeLock(str(tmp_path), "run-1").__enter__()
    (tmp_path / LOCK_NAME).write_text(data)
    with pytest.raises(LakeError, match="remove that file if no run is at work on the lake"):
        LakeLock(str(tmp_path), "run-2").__enter__()


def test_lake_lock_is_whole_or_not_there_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            LakeLock(str(tmp_path), "run-1").__enter__()
    left = [path.name for path in (tmp_path / "locks").iterdir() if path.suffix != ".guard"]
    assert left == []
    with LakeLock(str(tmp_path), "run-2"):
        assert lock_file(tmp_path)["run_id"] == "run-2"


def test_lake_lock_is_taken_once_where_there_are_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    with LakeLock(str(tmp_path), "run-1"):
        assert (tmp_path / LOCK_NAME).stat().st_mode & 0o777 == 0o644
        with pytest.raises(LockedError, match="run run-1"):
            LakeLock(str(tmp_path), "run-2").__enter__()


def test_lake_lock_keeps_out_of_a_lease_of_another_machine(tmp_path: Path) -> None:
    LakeLock(str(tmp_path), "run-1").__enter__()
    change_lock_file(tmp_path, machine="elsewhere", host="far", process_started=1.0)
    with pytest.raises(LockedError, match="on far"):
        LakeLock(str(tmp_path), "run-2").__enter__()


def test_lake_lock_takes_over_a_lease_that_is_over(tmp_path: Path) -> None:
    LakeLock(str(tmp_path), "run-1").__enter__()
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    change_lock_file(tmp_path, machine="elsewhere", lease_until=past)
    with LakeLock(str(tmp_path), "run-2"):
        assert lock_file(tmp_path)["run_id"] == "run-2"


def test_renew_extends_the_lease(tmp_path: Path) -> None:
    with LakeLock(str(tmp_path), "run-1") as lock:
        before = str(lock_file(tmp_path)["lease_until"])
        lock.renew()
        assert str(lock_file(tmp_path)["lease_until"]) > before


def test_renew_raises_and_writes_nothing_when_another_run_took_over(tmp_path: Path) -> None:
    slept = LakeLock(str(tmp_path), "run-1").__enter__()
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    change_lock_file(tmp_path, lease_until=past)
    with LakeLock(str(tmp_path), "run-2"):
        with pytest.raises(LockedError, match=r"run run-1 lost the lock.*run run-2 has it"):
            slept.renew()
        slept.__exit__(None, None, None)
        assert lock_file(tmp_path)["run_id"] == "run-2"


def test_error_of_a_run_that_lost_its_lock_is_that_it_lost_it(tmp_path: Path) -> None:
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    slept = LakeLock(str(tmp_path), "run-1").__enter__()
    change_lock_file(tmp_path, lease_until=past)
    with LakeLock(str(tmp_path), "run-2"):
        error = FileNotFoundError("scratch that run-2 removed")
        with pytest.raises(LockedError, match=r"run run-1 lost the lock.*run run-2 has it"):
            slept.__exit__(type(error), error, None)


def test_renew_raises_when_the_file_is_gone(tmp_path: Path) -> None:
    with LakeLock(str(tmp_path), "run-1") as lock:
        (tmp_path / LOCK_NAME).unlink()
        with pytest.raises(LockedError, match="its file is gone"):
            lock.renew()


def test_lake_lock_keeps_a_short_lease_alive_by_itself(tmp_path: Path) -> None:
    with LakeLock(str(tmp_path), "run-1", lease_seconds=0.3):
        first = str(lock_file(tmp_path)["lease_until"])
        threading.Event().wait(0.5)
        assert str(lock_file(tmp_path)["lease_until"]) > first


def test_lake_lock_refuses_a_root_without_conditional_writes() -> None:
    with pytest.raises(SetupError, match="gs://lakes/one is neither"):
        LakeLock("gs://lakes/one", "run-1")
