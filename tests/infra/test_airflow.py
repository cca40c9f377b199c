"""The DAGs of infra/airflow, really run by `airflow dags test` in an environment of Airflow's own.

`make test-airflow` makes that environment and names it in STACKSPARK_AIRFLOW.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from places import REPOSITORY
from whole_runs import publications

from stackspark.run.pipeline import STEPS

DAGS = REPOSITORY / "infra" / "airflow" / "dags"
BAND = 'near_duplicates.removal_bands={"min_files": 1, "default": [0.9, 1.0]}'

pytestmark = [pytest.mark.integration, pytest.mark.airflow]
Airflow = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """Airflow's command with a database of its own."""
    kept = ("PATH", "HOME", "JAVA_HOME", "PYTHONPATH", "NUMBA_CACHE_DIR", "STACKSPARK_CACHE")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_STACKSPARK": json.dumps({"conn_type": "spark", "host": "local[2]"}),
        "STACKSPARK_BIN": str(Path(sys.executable).parent),
    }

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [Path(os.environ["STACKSPARK_AIRFLOW"]) / "airflow", *arguments]
        return subprocess.run(
            command, env=environment, text=True, check=False, timeout=1200,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    done = call("db", "migrate")
    assert done.returncode == 0, done.stdout
    return call


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe over two files, and the place of its lake."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "src").mkdir()
    (folder / "src" / "tide.py").write_text("def tide(hour):\n    return hour % 12\n")
    (folder / "src" / "moon.py").write_text("def moon(day):\n    return day % 29\n")
    recipe = f"extends: default\nname: tiny\nsources: [dir:{folder}/src]\nexports: [ids]\n"
    (folder / "tiny.yaml").write_text(recipe)
    return folder


def _conf(folder: Path, *settings: str) -> str:
    recipe, lake = str(folder / "tiny.yaml"), str(folder / "lake")
    return json.dumps({"recipe": recipe, "lake": lake, "settings": settings})


def test_dags_are_read_without_an_error(airflow: Airflow) -> None:
    done = airflow("dags", "list-import-errors")
    assert "No data found" in done.stdout
    listed = airflow("tasks", "list", "stackspark_run")
    assert set(listed.stdout.split()) >= {"environment", *STEPS, "publish"}


def test_broken_contract_fails_without_a_retry_and_publishes_nothing(
    airflow: Airflow, folder: Path
) -> None:
    done = airflow("dags", "test", "stackspark_run", "--conf", _conf(folder, BAND))
    assert "stackspark: step checks: table near_duplicates breaks rule" in done.stdout
    assert "exit code 4: a table breaks its contract" in done.stdout
    assert "UP_FOR_RETRY" not in done.stdout.upper()
    assert done.returncode != 0
    assert publications(folder / "lake") == []


def test_run_ends_in_success(airflow: Airflow, folder: Path) -> None:
    """On the lake of the failed run: what that one did is taken over."""
    done = airflow("dags", "test", "stackspark_run", "--conf", _conf(folder))
    assert done.returncode == 0, done.stdout[-5000:]
    assert len(publications(folder / "lake")) == 1
    assert len(list((folder / "lake" / "shards" / "ids").rglob("*.parquet"))) == 1


def test_maintenance_ends_in_success(airflow: Airflow, folder: Path) -> None:
    conf = json.dumps({"lake": str(folder / "lake"), "keep": 1})
    done = airflow("dags", "test", "stackspark_maintain", "--conf", conf)
    assert done.returncode == 0, done.stdout[-5000:]
    assert '"num_publications": 1' in done.stdout
