"""Sources as text and YAML, and the containers that they hold."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from source_fixtures import fetch_locally, git, list_locally, make_repository, write_files

from stackspark.errors import InputError, UsageError
from stackspark.sources.base.specs import SourceSpec, parse_source, read_sources_file
from stackspark.sources.listing.containers import TASK_BYTES, expand_sources
from stackspark.sources.origins.index_locations import opens_s3, reads_s3


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


def test_expand_archives_sorted_and_once(tmp_path: Path) -> None:
    write_files(tmp_path, {"b.zip": "", "a.zip": "", "d/c.zip": "", "e.zip/x": ""})
    specs = [parse_source(f"archive:{tmp_path}/{glob}") for glob in ("**/*.zip", "a.zip")]
    names = [Path(container.location).name for container in expand_sources(specs)]
    assert names == ["a.zip", "b.zip", "c.zip"]


@pytest.mark.parametrize(
    ("name", "origin", "repo_name"),
    [
        ("Foo_Bar-1.0-py3-none-any.whl", "pkg:pypi/foo-bar@1.0", "foo-bar@1.0"),
        ("x-1.0-1-cp311-cp311-any.whl", "pkg:pypi/x@1.0", "x@1.0"),
        (
            "serde_json-1.0.1-rc.1.crate",
            "pkg:cargo/serde_json@1.0.1-rc.1",
            "serde_json@1.0.1-rc.1",
        ),
        (
            "cache/download/github.com/!burnt!sushi/toml/@v/v1.2.0.zip",
            "pkg:golang/github.com/BurntSushi/toml@v1.2.0",
            "github.com/BurntSushi/toml@v1.2.0",
        ),
        ("left-pad-1.3.0.tgz", None, "left-pad@1.3.0"),
        ("foo-2.0.tar.gz", None, "foo@2.0"),
        ("notes.zip", None, "notes.zip"),
    ],
)
def test_origins_of_packages(tmp_path: Path, name: str, origin: str | None, repo_name: str) -> None:
    write_files(tmp_path, {name: ""})
    (container,) = expand_sources([parse_source(f"archive:{tmp_path}/{name}")])
    assert container.origin_url == (origin or (tmp_path / name).as_uri())
    assert container.repo_name == repo_name


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


def make_distribution(site: Path, name: str, files: dict[str, str], record: str = "") -> Path:
    info = f"{name}.dist-info"
    write_files(site, {**files, f"{info}/METADATA": "Name: x\n", f"{info}/INSTALLER": "pip\n"})
    listed = "".join(f"{path},sha256=x,{len(text)}\n" for path, text in files.items())
    own = "".join(f"{info}/{path},,\n" for path in ("METADATA", "INSTALLER", "RECORD"))
    (site / info / "RECORD").write_text(listed + own + record)
    return site / info


def make_environment(root: Path) -> Path:
    site = root / "lib/python3.11/site-packages"
    make_distribution(site, "foo_bar-1.0", {"foo/__init__.py": "foo = 1\n", "foo/data.txt": "d\n"})
    make_distribution(site, "other-2.0", {"other.py": "o\n"})
    return site


def test_expand_environment(tmp_path: Path) -> None:
    site = make_environment(tmp_path)
    for location in (tmp_path, site):
        first, second = expand_sources([parse_source(f"python-env:{location}")])
        assert (first.repo_name, second.repo_name) == ("foo-bar@1.0", "other@2.0")
        assert first.origin_url == "pkg:pypi/foo-bar@1.0"
        assert first.size_bytes == 10
    spec = parse_source(f"python-env:{tmp_path}", exclude=("Foo.Bar",))
    assert [container.repo_name for container in expand_sources([spec])] == ["other@2.0"]


def test_environment_is_the_same_wherever_it_lies(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for root, shebang in ((one, "#!/one/bin/python"), (two, "#!/two/bin/python")):
        site = make_environment(root)
        write_files(root, {"bin/foo": shebang, "share/man/foo.1": "man"})
        record = "../../../bin/foo,,\n../../../share/man/foo.1,,\nfoo/__pycache__/x.pyc,,\n"
        make_distribution(site, "foo_bar-1.0", {"foo/__init__.py": "foo = 1\n"}, record)
    (two / "lib/python3.11/site-packages/foo/__init__.py").chmod(0o755)
    (two / "lib/python3.11/site-packages/foo_bar-1.0.dist-info/INSTALLER").write_text("other\n")
    (two / "lib/python3.11/site-packages/foo_bar-1.0.dist-info/direct_url.json").write_text("{}")
    first, second = (list_locally(f"python-env:{root}") for root in (one, two))
    assert first.paths == [
        "/foo/__init__.py",
        "/foo_bar-1.0.dist-info/METADATA",
        "/other-2.0.dist-info/METADATA",
        "/other.py",
    ]
    assert first.quarantine == second.quarantine == []
    columns = ("directory_id", "path", "mode", "content_id")
    assert [[f[c] for c in columns] for f in first.files] == [
        [f[c] for c in columns] for f in second.files
    ]
    origins = [[o["origin_url"], o["repo_name"], o["num_files"]] for o in first.origins]
    assert origins[0] == ["pkg:pypi/foo-bar@1.0", "foo-bar@1.0", 2]
    contents = fetch_locally(first.files)
    assert contents[first.files[0]["content_id"]]["content"] == "foo = 1\n"


def test_environment_hostile_record(tmp_path: Path) -> None:
    root = tmp_path / "env"
    site = root / "lib/python3.11/site-packages"
    write_files(tmp_path, {"secret": "secret"})
    write_files(root, {"cache/real.py": "real\n"})
    record = "../../../../secret,,\n/etc/passwd,,\nlink.py,,\ncached.py,,\ngone.py,,\nfoo,,\n"
    make_distribution(site, "foo-1.0", {"foo/a.py": "a\n"}, record)
    (site / "link.py").symlink_to(tmp_path / "secret")
    (site / "cached.py").symlink_to(root / "cache/real.py")
    listed = list_locally(f"python-env:{root}")
    assert listed.paths == ["/cached.py", "/foo-1.0.dist-info/METADATA", "/foo/a.py"]
    assert listed.files[0]["mode"] == 33188
    assert sorted(problem for _, problem in listed.problems) == [
        "link_outside",
        "missing_file",
        "special_file",
        "unsafe_path",
        "unsafe_path",
    ]
    assert all(row["key"].startswith("foo@1.0/") for row in listed.quarantine)
    contents = fetch_locally(listed.files)
    assert contents[listed.files[0]["content_id"]]["content"] == "real\n"


def test_environment_distributions_without_files(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.11/site-packages"
    info = make_distribution(site, "mine-1.0", {"_mine.pth": "/home/me/mine"})
    (info / "direct_url.json").write_text(json.dumps({"dir_info": {"editable": True}}))
    write_files(site, {"old-1.0-py3.11.egg-info/PKG-INFO": "Name: old\n"})
    listed = list_locally(f"python-env:{tmp_path}")
    assert listed.problems == [("origin", "editable_install"), ("origin", "no_record")]
    assert [row["key"] for row in listed.quarantine] == ["mine@1.0", "old@1.0"]
    assert listed.files == []


@pytest.mark.parametrize(
    ("source", "contents", "reads", "opens"),
    [
        ("swh:/archive", None, False, False),
        ("swh:/archive", "s3://bucket", False, True),
        ("swh:s3a://bucket/graph", "/archive", True, False),
        ("stack-v2:s3://bucket/index", None, True, True),
    ],
)
def test_index_says_who_needs_the_object_store(
    source: str, contents: str | None, reads: bool, opens: bool
) -> None:
    spec = parse_source(source, contents=contents)
    assert (reads_s3(spec), opens_s3(spec)) == (reads, opens)
