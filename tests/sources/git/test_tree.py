"""git repositories, built by git itself; git and Software Heritage's library are the oracles."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from git_repositories import FILES, tree_of
from source_fixtures import commit, fetch_locally, git, list_locally

from stackspark.sources.base.limits import Limits


def test_list_git_equals_git(repository: Path) -> None:
    listed = list_locally(f"git:{repository}")
    (origin,) = listed.origins
    assert origin["directory_id"] == git(repository, "rev-parse", "HEAD^{tree}")
    assert origin["revision_id"] == git(repository, "rev-parse", "HEAD")
    assert origin["branch_name"] == "refs/heads/main"
    assert origin["revision_date"] == datetime.fromtimestamp(1500000000, UTC)
    assert origin["committer_date"] == datetime.fromtimestamp(1600000000, UTC)
    assert origin["origin_url"] == repository.as_uri()
    assert origin["num_files"] == len(FILES)
    found = {file["path"]: (file["mode"], file["content_id"]) for file in listed.files}
    assert found == tree_of(repository)
    assert {file["directory_id"] for file in listed.files} == {origin["directory_id"]}
    assert {file["path"]: file["length_bytes"] for file in listed.files} == {
        "/" + path: len(text) for path, text in FILES.items()
    }
    assert listed.quarantine == []


def test_fork_has_the_same_root(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(repository), "fork")
    fork = list_locally(f"git:{tmp_path / 'fork'}")
    assert fork.root_id == list_locally(f"git:{repository}").root_id
    assert fork.origins[0]["origin_url"] != repository.as_uri()


def test_list_git_modes_and_submodules(repository: Path) -> None:
    (repository / "run.sh").write_text("#!/bin/sh\n")
    (repository / "run.sh").chmod(0o755)
    (repository / "link").symlink_to("/etc/passwd")
    git(repository, "add", "-A")
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{head},module")
    git(repository, "commit", "-q", "-m", "module")
    listed = list_locally(f"git:{repository}")
    modes = {file["path"]: file["mode"] for file in listed.files}
    assert (modes["/run.sh"], modes["/link"], modes["/a.txt"]) == (33261, 40960, 33188)
    assert "/module" not in modes
    assert listed.origins[0]["num_submodules"] == 1
    assert listed.root_id == git(repository, "rev-parse", "HEAD^{tree}")
    link = next(file for file in listed.files if file["path"] == "/link")
    assert fetch_locally([link])[link["content_id"]]["content"] == "/etc/passwd"


def test_list_git_names_that_are_not_utf8(repository: Path) -> None:
    for name in (b"caf\xe9.txt", b"caf\\xe9.txt", b"new\nline"):
        Path(os.fsdecode(os.fsencode(repository) + b"/" + name)).write_text("x")
    commit(repository, {})
    listed = list_locally(f"git:{repository}")
    exact = {file["path"]: file["path_bytes"] for file in listed.files}
    # In order of bytes a backslash comes before e9: the name that is UTF-8 stays.
    assert exact["/caf\\xe9.txt"] is None
    assert exact["/new\nline"] is None
    assert listed.problems == [("entry", "path_collision")]
    assert listed.root_id == git(repository, "rev-parse", "HEAD^{tree}")
    (repository / "caf\\xe9.txt").unlink()
    commit(repository, {})
    listed = list_locally(f"git:{repository}")
    exact = {file["path"]: file["path_bytes"] for file in listed.files}
    assert exact["/caf\\xe9.txt"] == b"/caf\xe9.txt"
    assert listed.quarantine == []


def raw_tree(folder: Path, *entries: tuple[str, bytes, str]) -> str:
    data = b"".join(
        mode.encode() + b" " + name + b"\0" + bytes.fromhex(object_id)
        for mode, name, object_id in entries
    )
    return git(folder, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", data=data)


def at_tree(folder: Path, tree: str) -> str:
    return git(folder, "commit-tree", tree, "-m", "crafted")


def test_list_git_hostile_names(repository: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:a.txt")
    names = [b"..", b".", b"ok", b"x/y", b"", b"ok"]
    tree = raw_tree(repository, *(("100664", name, blob) for name in names))
    listed = list_locally(f"git:{repository}@{at_tree(repository, tree)}")
    assert listed.paths == ["/ok"]
    assert listed.files[0]["mode"] == 33188
    assert (
        sorted(listed.problems) == [("entry", "duplicate_member")] + [("entry", "unsafe_path")] * 4
    )
    assert listed.root_id == tree
    keys = [(row["source"], row["key"], row["error_class"]) for row in listed.quarantine]
    assert len(set(keys)) == len(keys)


def test_list_git_tree_bomb(repository: Path) -> None:
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    for _ in range(12):
        tree = raw_tree(repository, *(("40000", b"%d" % n, tree) for n in range(10)))
    limits = Limits(max_members=5000)
    listed = list_locally(f"git:{repository}@{at_tree(repository, tree)}", limits)
    assert listed.problems == [("origin", "tree_bomb")]
    assert listed.files == []


def test_list_git_too_deep(repository: Path) -> None:
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    for _ in range(20):
        tree = raw_tree(repository, ("40000", b"d", tree))
    listed = list_locally(f"git:{repository}@{at_tree(repository, tree)}", Limits(max_depth=10))
    assert listed.problems == [("entry", "tree_bomb")]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ("0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("-1", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("253402300799", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("253402300800", None),
        ("18446744073709551615", None),
        ("99999999999999999999999999", None),
        ("", None),
        ("soon", None),
    ],
)
def test_revision_date_out_of_range_is_null(
    repository: Path, seconds: str, expected: datetime | None
) -> None:
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    data = f"tree {tree}\nauthor A <a> {seconds} +9999\ncommitter C <c> 5 -0000\n\nm\n".encode()
    revision = git(
        repository, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", data=data
    )
    (origin,) = list_locally(f"git:{repository}@{revision}").origins
    assert origin["revision_date"] == expected
    assert origin["committer_date"] == datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "person",
    [
        "A <a> 5 +0000",
        "A <a>5 +0000",  # no blank
        "A <a>   5   +0000",
        "A <a> <b@c> 5 +0000",
        "A <a> 5 +051800",
        "A <a> 5 --700 and more",
        "<> 5 -0",
    ],
)
def test_dates_are_read_as_git_reads_them(repository: Path, person: str) -> None:
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    data = f"tree {tree}\nauthor {person}\ncommitter C <c> 7 -0000\n\nm\n".encode()
    options = ("-t", "commit", "-w", "--stdin", "--literally")
    revision = git(repository, "hash-object", *options, data=data)
    shown = git(repository, "log", "-1", "--format=%at", revision)
    (origin,) = list_locally(f"git:{repository}@{revision}").origins
    found = origin["revision_date"]
    assert shown == ("" if found is None else str(int(found.timestamp())))


def test_modes_go_by_their_type(repository: Path) -> None:
    """As git lists them, with whatever permissions old tools wrote."""
    blob = git(repository, "rev-parse", "HEAD:a.txt")
    inner = raw_tree(repository, ("100664", b"f2.py", blob))
    folder = raw_tree(repository, ("40755", b"deep", inner), ("100600", b"f1.py", blob))
    tree = raw_tree(
        repository, ("120664", b"link.py", blob), ("100711", b"run.sh", blob),
        ("40755", b"src", folder), ("160755", b"sub", git(repository, "rev-parse", "HEAD")),
    )  # fmt: skip
    listed = list_locally(f"git:{repository}@{at_tree(repository, tree)}")
    modes = {file["path"]: file["mode"] for file in listed.files}
    assert modes == {
        "/link.py": 0o120000, "/run.sh": 0o100755, "/src/f1.py": 0o100644,
        "/src/deep/f2.py": 0o100644,
    }  # fmt: skip
    assert (listed.root_id, listed.problems) == (tree, [])


def test_same_repository_is_listed_alike(repository: Path) -> None:
    assert list_locally(f"git:{repository}") == list_locally(f"git:{repository}")
