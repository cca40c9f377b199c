"""A run that writes down which modules of the package each of its steps used.

    python traced_run.py FOLDER RECIPE LAKE

The driver's are those whose functions ran, because a process of its own cannot be had for each
step; those of workers are the ones that were loaded, in a new worker for each task.
"""

import json
import sys
import threading
from collections import defaultdict
from pathlib import Path
from types import FrameType
from typing import Any

from stackspark.commands import run
from stackspark.commands.run import RunOptions, run_recipe
from stackspark.runtime import session

SETTINGS = {"spark.python.daemon.module": "traced_daemon", "spark.python.worker.reuse": "false"}


def main(folder: Path, recipe: str, lake: str) -> None:
    used: dict[str, set[str]] = defaultdict(set)
    current = [""]

    def trace(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            name = frame.f_globals.get("__name__", "")
            if name.startswith("stackspark"):
                used[current[0]].add(name)

    run_step = run.run_step

    def traced_step(context: Any, step: Any) -> Any:
        current[0] = step.name
        (folder / "step").write_text(step.name, encoding="utf-8")
        try:
            return run_step(context, step)
        finally:
            current[0] = ""

    run.run_step = traced_step  # type: ignore[assignment]
    session.LOCAL_SETTINGS |= SETTINGS
    (folder / "step").write_text("none", encoding="utf-8")
    threading.setprofile(trace)
    sys.setprofile(trace)
    run_recipe(RunOptions(recipe=recipe, lake=lake, quiet=True, until="export"))
    sys.setprofile(None)
    found = {step: sorted(names) for step, names in used.items() if step}
    (folder / "driver.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
