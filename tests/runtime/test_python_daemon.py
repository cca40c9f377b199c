import subprocess
import sys
from pathlib import Path

import pyspark
import pytest
from places import REPOSITORY

from stackspark.runtime.python_daemon import is_archived

ARCHIVES = sorted(Path(pyspark.__file__).parent.glob("python/lib/*.zip"))


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/spark/python/lib/pyspark.zip", True),
        ("/spark/python/lib/pyspark.zip/pyspark/sql", True),
        ("/spark/jars/spark-core_2.13-4.1.4.jar", True),
        ("/venv/lib/python3.11/site-packages", False),
        ("/home/me/files.zipped/code", False),
    ],
)
def test_is_archived(folder: str, expected: bool) -> None:
    assert is_archived(folder) is expected


def run(program: str, *flags: str) -> str:
    """Output of a Python with pyspark's archives on its path, as Spark starts its workers."""
    path = ":".join(map(str, ARCHIVES))
    answer = subprocess.run(
        [sys.executable, *flags, "-c", program],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout.strip()


def test_leave_archives_takes_pyspark_from_its_folder() -> None:
    program = (
        "import sys\n"
        "from stackspark.runtime.python_daemon import is_archived, leave_archives\n"
        "leave_archives()\n"
        "import pyspark\n"
        "print(any(map(is_archived, [pyspark.__file__, *sys.path, *sys.path_importer_cache])))"
    )
    assert run(program) == "False"


def test_leave_archives_stays_where_pyspark_is_nowhere_else() -> None:
    program = (
        f"import sys; sys.path.append({str(REPOSITORY)!r})\n"
        "from stackspark.runtime.python_daemon import is_archived, leave_archives\n"
        "leave_archives()\n"
        "import pyspark\n"
        "print(is_archived(pyspark.__file__))"
    )
    # -S: without site-packages, as on an executor that has its Python code from Spark alone.
    assert run(program, "-S") == "True"
