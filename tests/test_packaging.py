"""The wheel carries what the code reads at run time, and nothing that only a checkout needs."""

import subprocess
import sys
import tomllib
import zipfile

import pytest
from places import REPOSITORY

DATA_FOLDERS = ("data", "recipes", "report")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built without a network by the build tool of the dev group."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    answer = subprocess.run(
        [*command, "--directory", folder],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return zipfile.ZipFile(next(folder.glob("stackspark-*.whl")))


@pytest.mark.parametrize("folder", DATA_FOLDERS)
def test_wheel_holds_every_file_of(folder: str, wheel: zipfile.ZipFile) -> None:
    wanted = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "stackspark" / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted, f"stackspark/{folder} is empty"
    assert wanted <= set(wheel.namelist())


def test_wheel_holds_the_contracts(wheel: zipfile.ZipFile) -> None:
    contracts = {f"stackspark/schemas/{path.name}" for path in (REPOSITORY / "schemas").glob("*")}
    assert contracts <= set(wheel.namelist())


def test_wheel_holds_the_package_only(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0].split("-")[0] for name in wheel.namelist()}
    assert tops == {"stackspark"}


def test_wheel_offers_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    entry_points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert b"stackspark = stackspark.cli:main" in wheel.read(entry_points)
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_every_dependency_is_pinned_for_the_tests() -> None:
    document = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    project = document["project"]
    groups = [*project["optional-dependencies"].values(), *document["dependency-groups"].values()]
    wanted = {bare(text) for text in [*project["dependencies"], *(t for g in groups for t in g)]}
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {bare(line) for line in lines if "==" in line}
    assert wanted <= pinned, f"not in constraints.txt: {sorted(wanted - pinned)}"


def bare(requirement: str) -> str:
    name = requirement.strip()
    for mark in "[<>=!~; ":
        name = name.split(mark)[0]
    return name.replace("_", "-").replace(".", "-").lower()
