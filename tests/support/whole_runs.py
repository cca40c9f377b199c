"""Runs of the command line in processes of their own, which tests start, break and compare."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("fault_program.py")
RUN_SECONDS = 900


@dataclass(frozen=True)
class Ended:
    """What a run left: its exit code, its last line of errors, and what it printed."""

    code: int
    line: str
    out: str

    @property
    def outcome(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


def start(
    recipe: str,
    lake: Path | str,
    *arguments: str,
    fault: str = "none",
    master: str = "local[2]",
    environment: Mapping[str, str] | None = None,
) -> "subprocess.Popen[str]":
    """Start a run in a process group of its own; `fault` is one of `fault_program.py`."""
    command = [sys.executable, str(PROGRAM), fault, "run", recipe, "--lake", str(lake)]
    command += ["--master", master, "--json", *arguments]
    return subprocess.Popen(
        command, env=os.environ | (environment or {}), start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(process: "subprocess.Popen[str]") -> Ended:
    """Wait for a run."""
    out, errors = process.communicate(timeout=RUN_SECONDS)
    lines = [line for line in errors.splitlines() if line.startswith("stackspark: ")]
    assert "Traceback" not in errors, errors
    assert len(lines) == (process.returncode not in (0, -signal.SIGKILL)), errors
    return Ended(process.returncode, lines[0] if lines else errors, out)


def run(recipe: str, lake: Path | str, *arguments: str, **options: Any) -> Ended:
    """A run from start to end."""
    return ended(start(recipe, lake, *arguments, **options))


def send(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """Send a signal to a run's driver, its JVM and its workers alike."""
    os.killpg(process.pid, number)


def shard_hashes(lake: Path | str) -> dict[str, str]:
    """SHA-256 of every shard on disk."""
    root = Path(lake, "shards")
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*.parquet"))
    }


def publications(lake: Path | str) -> list[str]:
    """Ids of the published runs, from the log of the table alone."""
    log = Path(lake, "tables", "publications", "_delta_log")
    return [path.name for path in sorted(log.glob("*.json"))]
