"""Spark's daemon of Python workers, which writes down the modules that each step's tasks loaded."""

import os
import sys
from pathlib import Path
from typing import Any

import pyspark.daemon

from stackspark.runtime import python_daemon

TRACE = Path(os.environ.get("STACKSPARK_TEST_TRACE", "."))
_worker_main = pyspark.daemon.worker_main


def traced(*arguments: Any) -> None:
    step = (TRACE / "step").read_text(encoding="utf-8")
    try:
        _worker_main(*arguments)
    finally:
        names = sorted(name for name in sys.modules if name.partition(".")[0] == "stackspark")
        (TRACE / f"{step}-{os.getpid()}.modules").write_text("\n".join(names), encoding="utf-8")


if __name__ == "__main__":
    pyspark.daemon.worker_main = traced
    python_daemon.main()
