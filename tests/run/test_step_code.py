"""Every module that a step uses, wherever it runs, is part of the code in the step's key."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import REPOSITORY
from planted import plant

from stackspark.run.pipeline import STEPS
from stackspark.runtime.fingerprints import closure

SUPPORT = REPOSITORY / "tests" / "support"


def test_what_steps_use_lies_in_their_closures(tmp_path: Path) -> None:
    planted = plant(tmp_path / "planted")
    trace = tmp_path / "trace"
    trace.mkdir()
    paths = [str(REPOSITORY), str(SUPPORT)]
    command = [str(SUPPORT / "traced_run.py"), str(trace), planted.recipe, str(tmp_path / "lake")]
    answer = subprocess.run(
        [sys.executable, *command],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "STACKSPARK_TEST_TRACE": str(trace),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    used = {
        step: set(names)
        for step, names in json.loads((trace / "driver.json").read_text("utf-8")).items()
    }
    assert used.keys() == set(STEPS)
    for path in trace.glob("*.modules"):
        step = path.name.rpartition("-")[0]
        if step in used:
            used[step] |= set(path.read_text("utf-8").split())
    assert any("stackspark.scan.scan_contents" in names for names in used.values())
    outside = {
        step: sorted(names - closure(f"stackspark.run.steps.{step}").modules)
        for step, names in used.items()
    }
    assert not {step: names for step, names in outside.items() if names}


def test_what_the_licence_process_uses_lies_in_the_closure_of_the_scan() -> None:
    pytest.importorskip("licensedcode")
    program = (
        "import sys\n"
        "import stackspark.licenses.detector.process\n"
        "from stackspark.licenses.detector.scancode import LicenseIndex\n"
        "LicenseIndex().license_of_text('Licensed under the MIT license.', False)\n"
        "print(*(name for name in sys.modules if name.partition('.')[0] == 'stackspark'))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    loaded = set(answer.stdout.splitlines()[-1].split())
    assert "stackspark.licenses.detector.scancode" in loaded
    assert not loaded - closure("stackspark.run.steps.scan").modules
