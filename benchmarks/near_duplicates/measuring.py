"""Run an adapter and read what it used, search by search."""

import json
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from meter import Meter, Reading

from near_duplicates.corpora import Corpus
from near_duplicates.tools import Tool, command, settings

UNAVAILABLE = 3


class NotRunError(Exception):
    """A tool could not be installed or run, or lacks a mode; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one process of an adapter did: a reading per search, and its last answer."""

    readings: list[Reading]
    removed: set[str]
    notes: object = None

    @property
    def fingerprint(self) -> str:
        """Stands for the set of removed ids."""
        return sha256("\n".join(sorted(self.removed)).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """Where runs are done, and how often an adapter searches in one process."""

    work: Path
    searches: int = 2

    def run(self, tool: Tool, corpus: Corpus, partitions: int | None = None) -> Run:
        """Run a tool once.

        Raises:
            NotRunError: there is no answer.
        """
        folder = self.work / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{tool.name}-{corpus.path.stem}{f'-{partitions}' if partitions else ''}"
        answer, log = folder / f"{name}.json", folder / f"{name}.log"
        answer.unlink(missing_ok=True)
        options = ["--parquet", corpus.path, "--answer", answer, "--rounds", self.searches]
        if partitions:
            options += ["--partitions", partitions]
        try:
            adapter = command(tool, self.work)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            raise NotRunError(f"not installed: {error}") from error
        with log.open("w", encoding="utf-8") as errors:
            readings, code = watched([*adapter, *map(str, options)], errors)
        if code:
            raise NotRunError(reason(log, code))
        content = json.loads(answer.read_text(encoding="utf-8"))
        return Run(readings=readings, removed=set(content["removed"]), notes=content["notes"])


def watched(adapter: list[str], log: IO[str]) -> tuple[list[Reading], int]:
    """Readings of each search of an adapter, from its `ready` to its `done`, and its exit code."""
    readings: list[Reading] = []
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
    with subprocess.Popen(adapter, text=True, bufsize=1, env=settings(), **pipes) as process:
        meter = Meter(process.pid)
        for line in process.stdout:
            if line == "ready\n":
                meter = Meter(process.pid)
                meter.__enter__()
            elif line == "done\n":
                meter.__exit__(None, None, None)
                readings.append(meter.reading())
            else:
                continue
            process.stdin.write("\n")
    return readings, process.returncode


def reason(log: Path, code: int) -> str:
    """Why an adapter ended: the last line that it said."""
    said = [line.strip() for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    last = said[-1] if said else "it ended without a word"
    return last if code == UNAVAILABLE else f"exit code {code}: {last}"
