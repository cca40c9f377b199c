"""Installed distributions: by their own list of files, the same on every machine."""

import json
from pathlib import Path

import pytest
from source_fixtures import fetch_locally, list_locally, write_files

from stackspark.sources.base.specs import parse_source
from stackspark.sources.listing.containers import expand_sources


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


def test_lib64_is_read_and_a_link_to_lib_counts_once(tmp_path: Path) -> None:
    linked, apart = tmp_path / "linked", tmp_path / "apart"
    make_environment(linked)
    (linked / "lib64").symlink_to("lib")
    make_environment(apart)
    make_distribution(
        apart / "lib64/python3.11/site-packages", "fast-1.0", {"fast.py": "fast = 1\n"}
    )
    assert len(list_locally(f"python-env:{linked}").origins) == 2
    listed = list_locally(f"python-env:{apart}")
    assert "/fast.py" in listed.paths
    assert (len(listed.origins), listed.problems) == (3, [])


@pytest.mark.parametrize(
    ("name", "error_class"),
    [
        ("~oo_bar-1.0", "pip_leftover"),
        ("~~o_bar-1.0", "pip_leftover"),
        ("-oo_bar-1.0", "pip_leftover"),
        ("b\u00e4r-1.0", "bad_name"),
        ("a b-1.0", "bad_name"),
        ("foo_-1.0", "bad_name"),
    ],
)
def test_what_is_no_distribution_is_a_row_of_its_class(
    tmp_path: Path, name: str, error_class: str
) -> None:
    site = make_environment(tmp_path)
    make_distribution(site, name, {"foo/left.py": "left\n"})
    listed = list_locally(f"python-env:{tmp_path}")
    assert (len(listed.origins), listed.problems) == (2, [("origin", error_class)])
    assert "/foo/left.py" not in listed.paths


def test_information_without_a_version_is_not_passed_over(tmp_path: Path) -> None:
    site = make_environment(tmp_path)
    (site / "developed.egg-info").mkdir()
    assert list_locally(f"python-env:{tmp_path}").problems == [("origin", "no_record")]
