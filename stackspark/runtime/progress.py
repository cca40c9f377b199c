"""Progress of long work on the terminal: the step, the share of its tasks done, the time so far.

Everything goes to standard error, so that standard output stays what a script reads. For a program
that collects logs each line is a JSON object instead, with the run and the step in it.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, Protocol

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.sql import SparkSession
from rich.console import Console
from rich.live import Live
from rich.text import Text

HEARTBEAT_SECONDS = 30.0
"""How often a step says that it is alive where standard error is no terminal."""


class TaskCounter(Protocol):
    """Tells how many tasks of the running Spark jobs are done, and of how many."""

    def __call__(self) -> tuple[int, int]:
        """(done, all) over the running jobs; (0, 0) where none runs."""


class Progress:
    """One line per finished step and a live line for the running one; or a log of JSON lines."""

    def __init__(
        self,
        console: Console | None = None,
        quiet: bool = False,
        *,
        as_json: bool = False,
        run_id: str = "",
    ) -> None:
        self.console = console or Console(stderr=True, highlight=False, quiet=quiet)
        self.tasks: TaskCounter = lambda: (0, 0)
        self.detail: Callable[[], str] = str
        self.as_json, self.run_id = as_json, run_id
        self._step = ""

    def say(self, text: str) -> None:
        """Print one line."""
        if self.as_json:
            self._log("said", message=text.strip())
        else:
            self._print(text)

    @contextmanager
    def telling(self, detail: Callable[[], str]) -> Iterator[None]:
        """Show more of the running step while the block runs: what `detail` returns by then."""
        self.detail = detail
        try:
            yield
        finally:
            self.detail = str

    @contextmanager
    def step(self, name: str) -> Iterator["StageLine"]:
        """Show a step while the block runs; set `summary` for the line that stays."""
        line = StageLine(name, self)
        stop = threading.Event()
        thread = threading.Thread(target=self._beat, args=(line, stop), daemon=True)
        self._begin(name)
        with self._live(line):
            thread.start()
            try:
                yield line
            except BaseException as error:
                self._end(line, "failed", message=f"{type(error).__name__}: {error}")
                raise
            finally:
                stop.set()
        self._end(line, "finished", message=line.summary)

    def _live(self, line: "StageLine") -> Any:
        if self.as_json:
            return nullcontext()
        return Live(line, console=self.console, refresh_per_second=4, transient=True)

    def _begin(self, name: str) -> None:
        self._step = name
        if self.as_json:
            self._log("started")

    def _end(self, line: "StageLine", event: str, message: str) -> None:
        if self.as_json:
            self._log(event, seconds=round(line.seconds, 3), message=message)
        elif event == "finished":
            self.console.print(line.finished(), soft_wrap=True)
        self._step = ""

    def _beat(self, line: "StageLine", stop: threading.Event) -> None:
        while not stop.wait(HEARTBEAT_SECONDS):
            if self.as_json:
                done, total = self.tasks()
                seconds = round(line.seconds, 3)
                counts = {"tasks_done": done, "tasks": total, "message": self.detail()}
                self._log("running", seconds=seconds, **counts)
            elif not self.console.is_terminal:
                self.console.print(line.__rich__())

    def _log(self, event: str, **values: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        about = {"time": now, "run_id": self.run_id, "step": self._step, "event": event}
        self._print(json.dumps(about | values))

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, emoji=False, soft_wrap=True)


class StageLine:
    """The line of one step."""

    def __init__(self, name: str, progress: Progress) -> None:
        self.name = name
        self.summary = ""
        self._progress = progress
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._started

    def __rich__(self) -> Text:
        """The line while the step runs, with the time that its running jobs still need."""
        done, total = self._progress.tasks()
        share = f"{done / total:4.0%} of {total} tasks" if total else "starting"
        detail = self._progress.detail()
        return Text(f"  {self.name:<18} {share:<20} {self.seconds:6.1f} s   {detail}".rstrip())

    def finished(self) -> Text:
        """The line that stays when the step is done."""
        return Text(f"  {self.name:<18} {self.seconds:6.1f} s   {self.summary}")


def task_counter(spark: SparkSession) -> TaskCounter:
    """Count the tasks of the stages that run now."""
    tracker = spark.sparkContext.statusTracker()

    def count() -> tuple[int, int]:
        try:
            running = [tracker.getStageInfo(step) for step in tracker.getActiveStageIds()]
        except (Py4JError, OSError):
            # A thread that only shows progress must not be what tells that the session is gone.
            return 0, 0
        stages = [step for step in running if step is not None]
        return sum(s.numCompletedTasks for s in stages), sum(s.numTasks for s in stages)

    return count
