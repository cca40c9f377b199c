"""Where the cache lies, and what is said where it cannot."""

from pathlib import Path

import pytest

from stackspark.errors import SetupError
from stackspark.runtime.cache import cache_folder


def test_the_own_variable_goes_before_the_shared_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("STACKSPARK_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder("jars") == tmp_path / "home" / ".cache" / "stackspark" / "jars"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "shared"))
    assert cache_folder("jars") == tmp_path / "shared" / "stackspark" / "jars"
    monkeypatch.setenv("STACKSPARK_CACHE", str(tmp_path / "own"))
    assert cache_folder("jars") == tmp_path / "own" / "jars"
    assert (tmp_path / "own" / "jars").is_dir()


def test_a_folder_that_cannot_be_made_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("STACKSPARK_CACHE", str(tmp_path / "file"))
    with pytest.raises(SetupError, match="set STACKSPARK_CACHE to another folder"):
        cache_folder("jars")
