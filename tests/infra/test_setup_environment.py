import os
import subprocess
import tomllib
from pathlib import Path

import pytest
import setup_environment
from places import REPOSITORY
from setup_environment import dev_group, said_to_uv, uv_environment


def test_said_to_uv_leaves_missing_folders_of_links_out(tmp_path: Path) -> None:
    links = [str(tmp_path), str(tmp_path / "none"), "https://example.org/wheels"]
    assert said_to_uv("find-links", links) == f"{tmp_path},https://example.org/wheels"


def test_uv_environment_takes_over_what_pip_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = "global.index-url='https://example.org/simple'\n:env:.timeout='99'\n"
    answer = subprocess.CompletedProcess(args=[], returncode=0, stdout=listing)
    monkeypatch.setattr(setup_environment.subprocess, "run", lambda *_, **__: answer)
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "7")
    settings = uv_environment()
    assert settings["UV_DEFAULT_INDEX"] == "https://example.org/simple"
    assert settings["UV_HTTP_TIMEOUT"] == "7", "what uv is told itself goes first"
    assert settings["PATH"] == os.environ["PATH"]


def test_dev_group_is_that_of_the_project() -> None:
    document = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert dev_group() == document["dependency-groups"]["dev"]
