"""The commands of `make lint`, so that the tests alone say whether a change may be merged."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from places import REPOSITORY

BIN = Path(sys.executable).parent


def lint_commands() -> list[list[str]]:
    """The recipe of the Makefile's target `lint`, which is the one list of gates."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, flags=re.MULTILINE)
    assert recipe
    return [line.replace("$(VENV)/bin/", "").split() for line in recipe[1].splitlines()]


@pytest.mark.parametrize("command", lint_commands(), ids=" ".join)
def test_gate(command: list[str]) -> None:
    answer = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
