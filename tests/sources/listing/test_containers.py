"""Containers of each kind of source, and the tasks that list them."""

from pathlib import Path

import pytest
from source_fixtures import git, make_repository, write_files

from stackspark.errors import InputError
from stackspark.sources.base.specs import parse_source
from stackspark.sources.listing.containers import TASK_BYTES, expand_sources


def test_expand_archives_sorted_and_once(tmp_path: Path) -> None:
    write_files(tmp_path, {"b.zip": "", "a.zip": "", "d/c.zip": "", "e.zip/x": ""})
    specs = [parse_source(f"archive:{tmp_path}/{glob}") for glob in ("**/*.zip", "a.zip")]
    names = [Path(container.location).name for container in expand_sources(specs)]
    assert names == ["a.zip", "b.zip", "c.zip"]


def test_declared_origin_names_the_repository(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "local", {"a": "a"})
    for origin, name in [
        ("https://github.com/owner/name", "owner/name"),
        ("https://gitlab.com/group/sub/name.git/", "group/sub/name"),
        ("https://example.org/name", "local"),
        (None, "local"),
    ]:
        (container,) = expand_sources([parse_source(f"git:{folder}", origin=origin)])
        assert container.repo_name == name
        assert container.origin_url == (origin or folder.as_uri())
        assert container.ref == "HEAD"
    git(tmp_path, "clone", "-q", "--bare", str(folder), "bare.git")
    assert expand_sources([parse_source(f"git:{tmp_path}/bare.git")])[0].repo_name == "bare"


@pytest.mark.parametrize("kind", ["git", "dir", "archive", "python-env"])
def test_expand_missing_is_one_clear_line(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match=f"source {kind}:{tmp_path}/none") as raised:
        expand_sources([parse_source(f"{kind}:{tmp_path}/none")])
    assert "\n" not in str(raised.value)


def test_tasks_are_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackspark.sources.listing.containers.TASK_BYTES", 100)
    write_files(tmp_path, {f"{number}.zip": "x" * 40 for number in range(5)})
    found = expand_sources(
        [parse_source(f"archive:{tmp_path}/*.zip"), parse_source(f"dir:{tmp_path}")]
    )
    assert [container.task for container in found] == [0, 0, 1, 1, 2, 3]
    assert TASK_BYTES > 100
