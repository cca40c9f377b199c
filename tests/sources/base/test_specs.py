"""Sources as users write them, and lists of them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stackspark.errors import InputError, UsageError
from stackspark.sources.base.specs import SourceSpec, parse_source, read_sources_file


def test_parse_source_of_each_kind() -> None:
    assert parse_source("git:repo@v1") == SourceSpec(kind="git", location="repo", ref="v1")
    assert parse_source("git:me@corp/repo@feature/x") == SourceSpec(
        kind="git", location="me@corp/repo", ref="feature/x"
    )
    assert parse_source("git:repo").ref is None
    assert parse_source("dir:a@b") == SourceSpec(kind="dir", location="a@b")
    assert parse_source("archive:C:/x/*.whl").location == "C:/x/*.whl"
    assert parse_source("python-env:.venv", exclude=("Foo_Bar",)).exclude == ("foo-bar",)
    assert parse_source("git:repo@v1").source == "git:repo@v1"


def test_parse_source_takes_an_existing_path_with_an_at_sign(tmp_path: Path) -> None:
    folder = tmp_path / "me@corp"
    folder.mkdir()
    assert parse_source(f"git:{folder}") == SourceSpec(kind="git", location=str(folder))


@pytest.mark.parametrize(
    "text",
    [
        "",  # nothing
        "repo",  # no kind
        "svn:repo",  # unknown kind
        "dir:",  # no location
        "git:repo@",  # no ref
        "git:@v1",  # no path
    ],
)
def test_parse_source_rejects(text: str) -> None:
    with pytest.raises(UsageError, match=r"git:PATH\[@REF\]"):
        parse_source(text)


def test_parse_source_rejects_exclude_elsewhere() -> None:
    with pytest.raises(UsageError, match="only a python-env source takes `exclude`"):
        parse_source("dir:x", exclude=("y",))


def test_read_sources_file(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(
        "- dir:plain\n"
        "- source: git:repo@v1\n"
        "  origin: https://example.org/o/r\n"
        "  visit_date: 2024-01-02T03:04:05+02:00\n"
        "- source: python-env:.venv\n"
        "  visit_date: 2024-01-02\n"
        "  exclude: [Foo.Bar]\n"
    )
    plain, repository, environment = read_sources_file(path)
    assert plain == SourceSpec(kind="dir", location="plain")
    assert repository.origin == "https://example.org/o/r"
    assert repository.visit_date == datetime(2024, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert environment.visit_date == datetime(2024, 1, 2, tzinfo=UTC)
    assert environment.exclude == ("foo-bar",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source: dir:x", "must be a list"),
        ("- {source: dir:x, orgin: y}", "entry 1: unknown key orgin; known: source, origin"),
        ("- {origin: y}", "needs a key `source`"),
        ("- 7", "needs a key `source`"),
        ("- dir:x\n- {source: dir:x, origin: 7}", "entry 2: `origin` must be a URL"),
        ("- {source: dir:x, visit_date: soon}", "`visit_date` must be a date; found 'soon'"),
        ("- {source: dir:x, visit_date: 7}", "`visit_date` must be a date"),
        ("- {source: 'python-env:x', exclude: y}", "`exclude` must be a list of names"),
        (
            "- {source: dir:x, contents: y}",
            "only swh, stack-v2, stack-v2-ids sources take `contents`",
        ),
        ("- {source: swh:x, contents: 7}", "`contents` must be a folder or s3a://"),
        ("- {source: swh:x, visit_date: 2024-01-02}", "'swh:x' tells origins and visits itself"),
    ],
)
def test_read_sources_file_rejects(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_sources_file(path)


@pytest.mark.parametrize("data", [b"- [", b"\xff"])
def test_read_sources_file_that_is_not_yaml(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    for name in ("x", "missing"):
        with pytest.raises(InputError, match="cannot be read") as raised:
            read_sources_file(tmp_path / name)
        assert "\n" not in str(raised.value)
