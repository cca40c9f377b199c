"""What continuous integration runs is what a contributor runs."""

import re

from places import REPOSITORY

GATES = ["ruff check", "ruff format --check", "mypy", "lint-imports"]


def test_ci_lints_and_then_tests() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^(?:exec )?(make \w+)$", script, flags=re.MULTILINE) == [
        "make lint",
        "make test",
    ]


def test_lint_has_every_gate() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, flags=re.MULTILINE)
    assert recipe
    commands = [line.strip().replace("$(VENV)/bin/", "") for line in recipe[1].splitlines()]
    assert commands == GATES
