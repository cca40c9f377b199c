from pathlib import Path

import pytest
from git_repositories import FILES
from source_fixtures import make_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", FILES)
