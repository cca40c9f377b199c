"""The command line with one planted fault: `fault_program.py FAULT ARGUMENTS...`.

A fault happens where a real one would hurt most, and leaves the code around it alone.
"""

import importlib
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from stackspark import cli
from stackspark.lake.locks import LakeLock

WAKE_FILE = "STACKSPARK_TEST_WAKE_FILE"
DAY = timedelta(days=1)


def main() -> int:
    """Plant the fault that is named, then run the command line."""
    name, *arguments = sys.argv[1:]
    kind, _, place = name.partition(":")
    PLANTS[kind](place)
    return cli.exit_code(arguments, "stackspark")


def kill_before(place: str) -> None:
    """End the driver and its JVM with SIGKILL when `module.Class.method` is called."""
    _replace(place, lambda call: lambda *_, **__: os.killpg(0, signal.SIGKILL))


def kill_after(place: str) -> None:
    """The same when it has done its work, before anyone hears of it."""

    def then_killed(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> None:
            call(*arguments, **options)
            os.killpg(0, signal.SIGKILL)

        return called

    _replace(place, then_killed)


def sleep_before(place: str) -> None:
    """Sleep when `place` is called; the lease is a second, and nothing renews it meanwhile."""
    LakeLock.__init__.__defaults__ = (1.0,)  # type: ignore[misc]
    LakeLock._keep = lambda self: None  # type: ignore[method-assign]

    def after_sleep(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(self: Any, *arguments: Any, **options: Any) -> Any:
            print("asleep", file=sys.stderr, flush=True)
            while not os.path.exists(os.environ[WAKE_FILE]):  # noqa: PTH110
                time.sleep(0.1)
            return call(self, *arguments, **options)

        return called

    _replace(place, after_sleep)


def clock_back(_: str) -> None:
    """Let the driver's clock be a day late."""

    class Late(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            # Not one of this class, which Spark would take for no time.
            return datetime.now(tz) - DAY

    for module in ("run.step", "commands.run", "lake.locks", "lake.lake"):
        importlib.import_module(f"stackspark.{module}").datetime = Late  # type: ignore[attr-defined]


def _replace(place: str, change: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    module, owner, method = place.rsplit(".", 2)
    cls = getattr(importlib.import_module(module), owner)
    setattr(cls, method, change(getattr(cls, method)))


PLANTS: dict[str, Callable[[str], None]] = {
    "none": lambda _: None,
    "kill_before": kill_before,
    "kill_after": kill_after,
    "sleep_before": sleep_before,
    "clock_back": clock_back,
}

if __name__ == "__main__":
    sys.exit(main())
