"""Measure a process tree: wall time, CPU seconds and peak memory.

    python benchmarks/meter.py -- .venv/bin/stackspark run demo --lake /tmp/lake

or, around a block, `with Meter() as meter: ...` and then `meter.reading()`. Memory is the sum of
the proportional set sizes (PSS), which count a page shared by n processes once, not n times; where
the system has no PSS it is the sum of resident sizes.
"""

import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from types import TracebackType

import psutil

SAMPLE_SECONDS = 0.25
# A reading of PSS walks the page tables: on a JVM of many gigabytes it takes tens of milliseconds.
MEMORY_EVERY_SAMPLES = 2


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a process tree has used so far."""

    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int


class Meter:
    """Samples the tree below a process, by default this one, until the block ends.

    CPU time of a process that has ended counts once its parent has waited for it, as the system
    adds it to the parent's; so nothing is lost between samples but orphans.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._root = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._started = 0.0
        self._ended = 0.0
        self._cpu_before = 0.0
        self._cpu_seconds = 0.0
        self._peak_memory_bytes = 0

    def __enter__(self) -> "Meter":
        self._started = time.perf_counter()
        self._cpu_before = cpu_seconds(self._tree())
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sample(with_memory=True)
        self._ended = time.perf_counter()
        self._stop.set()
        self._thread.join()

    def reading(self) -> Reading:
        """What was used until now, or until the block ended."""
        return Reading(
            wall_seconds=round((self._ended or time.perf_counter()) - self._started, 3),
            cpu_seconds=round(self._cpu_seconds, 2),
            peak_memory_bytes=self._peak_memory_bytes,
        )

    def _watch(self) -> None:
        number = 0
        while not self._stop.wait(SAMPLE_SECONDS):
            self._sample(with_memory=number % MEMORY_EVERY_SAMPLES == 0)
            number += 1

    def _sample(self, *, with_memory: bool) -> None:
        processes = self._tree()
        used = cpu_seconds(processes) - self._cpu_before
        self._cpu_seconds = max(self._cpu_seconds, used)
        if with_memory:
            self._peak_memory_bytes = max(self._peak_memory_bytes, memory_bytes(processes))

    def _tree(self) -> list[psutil.Process]:
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """CPU seconds of processes and of the ended children that they have waited for."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def memory_bytes(processes: list[psutil.Process]) -> int:
    """Proportional set sizes of processes, summed; resident sizes where there are none."""
    total = 0
    for process in processes:
        try:
            sizes = process.memory_full_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        total += getattr(sizes, "pss", sizes.rss)
    return total


def main() -> int:
    """Run a command, print its reading as JSON, end with its exit code."""
    command = sys.argv[2:] if sys.argv[1:2] == ["--"] else sys.argv[1:]
    if not command:
        print("meter takes a command: meter.py -- COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    with Meter() as meter:
        answer = subprocess.run(command, check=False)
    print(json.dumps(asdict(meter.reading())), file=sys.stderr)
    return answer.returncode


if __name__ == "__main__":
    sys.exit(main())
