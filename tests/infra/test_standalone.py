"""A standalone cluster from the pip package: the same bytes, also when executors are killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from places import REPOSITORY
from planted import Fixture, plant
from pyspark.sql import SparkSession
from whole_runs import ended, run, shard_hashes, start

from stackspark.commands.run import RunOptions, run_recipe

FILES = ("--set", "exports=[files]")
SCRIPTS = REPOSITORY / "infra" / "standalone"
EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    return plant(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def hashes(
    spark: SparkSession, planted: Fixture, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Shards of a run in this process, without a cluster."""
    lake = tmp_path_factory.mktemp("lakes") / "local"
    run_recipe(RunOptions(recipe=planted.recipe, lake=str(lake), quiet=True, settings=(FILES[1],)))
    return shard_hashes(lake)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["--workers", "2", "--memory", "2g", "--folder", folder, "--port", str(port)]
    done = _script("start.sh", *map(str, arguments))
    assert done.returncode == 0, done.stderr
    yield done.stdout.strip()
    assert _script("stop.sh", "--folder", str(folder)).returncode == 0
    assert not (folder / "pids").exists()
    assert not _processes(folder)


def _script(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [SCRIPTS / name, *arguments], env=os.environ | {"PYTHON": sys.executable},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def _processes(folder: Path, word: str = "") -> list[psutil.Process]:
    """Processes of the cluster whose files lie in a folder, and no other's."""
    found = psutil.process_iter(["cmdline", "cwd"])
    return [
        process
        for process in found
        if str(folder) in " ".join([*(process.info["cmdline"] or ()), process.info["cwd"] or ""])
        and word in " ".join(process.info["cmdline"] or ())
    ]


def test_a_word_that_start_does_not_know_is_refused() -> None:
    done = _script("start.sh", "--wrokers", "2")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "start.sh: no option --wrokers; see the top of this file\n"


def test_cluster_writes_the_same_bytes_though_executors_are_killed(
    planted: Fixture, hashes: dict[str, str], cluster: str, folder: Path, tmp_path: Path
) -> None:
    """Every few seconds one of the two executors is killed, whatever it does."""
    process = start(planted.recipe, tmp_path / "lake", *FILES, master=cluster)
    num_killed = 0
    while process.poll() is None and num_killed < 5:
        time.sleep(10)
        for executor in _processes(folder, EXECUTOR)[:1]:
            executor.send_signal(signal.SIGKILL)
            num_killed += 1
    done = ended(process)
    assert done.code == 0, done.line
    assert num_killed >= 3
    assert shard_hashes(tmp_path / "lake") == hashes


def test_cluster_and_one_core_write_the_same_bytes(
    planted: Fixture, hashes: dict[str, str], cluster: str, tmp_path: Path
) -> None:
    for name, master in (("cluster", cluster), ("one", "local[1]")):
        done = run(planted.recipe, tmp_path / name, *FILES, master=master)
        assert done.code == 0, done.line
        assert shard_hashes(tmp_path / name) == hashes
