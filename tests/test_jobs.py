"""The entry points for spark-submit, submitted as a cluster's user submits them.

The package's dependencies are installed where the tasks run; the package itself is too, or comes as
an archive.
"""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from places import REPOSITORY

from stackspark.runtime.jars import cached_jars
from stackspark.runtime.java import find_java

BIN = Path(sys.executable).parent

# Each test starts a session of its own below spark-submit.
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("submit")
    (folder / "src").mkdir()
    (folder / "src" / "tide.py").write_text("def tide(hour):\n    return hour % 12\n")
    path = folder / "tiny.yaml"
    path.write_text(
        "extends: default\nname: tiny\nlicense_texts: {detector: built_in}\n"
        f"sources: [dir:{folder}/src]\nexports: [ids]\n"
    )
    return path


def _submit(
    job: str, *arguments: str, options: Sequence[str] = ()
) -> "subprocess.CompletedProcess[str]":
    java = find_java()
    jars = ",".join(map(str, cached_jars(java, s3a=False)))
    command = [BIN / "spark-submit", "--master", "local[2]", "--driver-memory", "1g"]
    command += ["--conf", "spark.sql.shuffle.partitions=2", "--jars", jars]
    command += options
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SPARK_", "PYSPARK_"))
    }
    environment |= {"JAVA_HOME": str(java.path), "PYSPARK_PYTHON": sys.executable}
    return subprocess.run(
        [*command, REPOSITORY / "jobs" / job, *arguments],
        env=environment, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip


def test_submitted_step_runs_up_to_it(recipe: Path) -> None:
    lake = recipe.parent / "stepped"
    done = _submit(
        "step.py", "list", "--recipe", str(recipe), "--lake", str(lake), "--quiet", "--json"
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert (outcome["is_published"], list(outcome["table_versions"])) == (False, ["origins"])
    assert not (lake / "locks" / "writer.lock").exists()


def test_submitted_job_hands_its_exit_code_on(recipe: Path) -> None:
    done = _submit("run.py", "nothere")
    assert done.returncode == 2
    # spark-submit hands what Python says on standard error on to standard output.
    said = done.stdout + done.stderr
    lines = [line for line in said.splitlines() if line.startswith("stackspark: ")]
    assert len(lines) == 1
    assert lines[0].startswith("stackspark: no recipe 'nothere': ")
    assert "Traceback" not in said


def test_submitted_run_publishes_a_dataset(recipe: Path) -> None:
    lake = recipe.parent / "whole"
    done = _submit("run.py", str(recipe), "--lake", str(lake), "--quiet", "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["is_published"]
    assert [(row["dataset"], row["num_rows"]) for row in outcome["exports"]] == [("ids", 1)]
    assert len(list((lake / "shards" / "ids").rglob("*.parquet"))) == 1


def test_submitted_archive_brings_the_package(recipe: Path) -> None:
    archive, lake = recipe.parent / "stackspark.zip", recipe.parent / "zipped"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted((REPOSITORY / "stackspark").rglob("*")):
            packed.write(path, path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "schemas").glob("*.yaml"):
            packed.write(path, f"stackspark/schemas/{path.name}")
        # Only the archive knows this recipe.
        packed.write(recipe, "stackspark/recipes/packed.yaml")
    done = _submit(
        "run.py", "packed", "--lake", str(lake), "--quiet", "--json",
        options=("--py-files", str(archive)),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["exports"][0]["num_rows"] == 1
