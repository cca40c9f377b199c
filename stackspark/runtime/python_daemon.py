"""Spark's daemon of Python workers, without the two things that cost every task and worker most.

Spark starts it by name (`spark.python.daemon.module`) and it forks a worker per core.

- Spark puts archives on the path of its workers: its own Python code and a jar of thousands of
  entries. Before each task Python reads their directories anew, 0.2 CPU seconds a task, which for
  short tasks is most of what they take. Where pyspark is installed, nothing is imported from them.
  An archive that holds this package stays.
- The kernels' libraries are imported before the fork, so once a machine and not once a worker.
"""

import importlib
import importlib.util
import sys

ARCHIVES = (".zip", ".jar")
PRELOADED = ("pyarrow.parquet", "numba")


def leave_archives() -> None:
    """Take archives off the import path, unless pyspark can be imported from there only."""
    path = list(sys.path)
    sys.path[:] = [folder for folder in path if not is_archived(folder) or is_own(folder)]
    importlib.invalidate_caches()
    if importlib.util.find_spec("pyspark") is None:
        sys.path[:] = path
        return
    for folder in set(sys.path_importer_cache):
        if is_archived(folder) and not is_own(folder):
            del sys.path_importer_cache[folder]


def is_archived(folder: str) -> bool:
    """Whether a folder of the import path is an archive or lies in one."""
    return any(folder.endswith(end) or f"{end}/" in folder for end in ARCHIVES)


def is_own(folder: str) -> bool:
    """Whether this package was imported from a folder of the import path."""
    return __file__.startswith(f"{folder}/")


def main() -> None:
    """Serve Spark until it closes the connection."""
    leave_archives()
    for module in PRELOADED:
        importlib.import_module(module)
    importlib.import_module("pyspark.daemon").manager()


if __name__ == "__main__":
    main()
