"""git repositories, built by git itself; git and Software Heritage's library are the oracles."""

import os
import shutil
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from source_fixtures import commit, fetch_locally, git, list_locally, make_repository
from swh.model import model

from stackspark.sources.base.limits import Limits

FILES = {"a.txt": "a\n", "lib/b.py": "b = 1\n", "lib/deep/c.py": "c = 1\n", "lib.py": "x\n"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", FILES)


def tree_of(folder: Path, revision: str = "HEAD") -> dict[str, tuple[int, str]]:
    lines = git(folder, "ls-tree", "-r", "-z", revision).split("\0")
    entries = [line.split("\t", 1) for line in lines if line]
    return {"/" + path: (int(about.split()[0], 8), about.split()[2]) for about, path in entries}


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


def packed(folder: Path) -> Path:
    git(folder, "gc", "-q", "--aggressive")
    return folder


def bare(folder: Path) -> Path:
    git(folder.parent, "clone", "-q", "--bare", str(folder), "bare.git")
    return folder.parent / "bare.git"


def borrowing(folder: Path) -> Path:
    git(folder.parent, "clone", "-q", "--shared", str(folder), "borrower")
    assert (folder.parent / "borrower/.git/objects/info/alternates").is_file()
    return folder.parent / "borrower"


def work_tree(folder: Path) -> Path:
    git(folder, "worktree", "add", "-q", "-b", "other", "../linked")
    return folder.parent / "linked"


@pytest.mark.parametrize("variant", [packed, bare, borrowing, work_tree])
def test_list_git_of_every_layout(repository: Path, variant: object) -> None:
    for number in range(12):
        text = "".join(f"{line} {line * number % 7}\n" for line in range(400))
        commit(repository, {"grows.txt": text})
    plain = list_locally(f"git:{repository}")
    other = variant(repository)  # type: ignore[operator]
    listed = list_locally(f"git:{other}")
    assert listed.root_id == plain.root_id
    columns = ("path", "mode", "content_id", "length_bytes")
    assert [[f[c] for c in columns] for f in listed.files] == [
        [f[c] for c in columns] for f in plain.files
    ]
    contents = fetch_locally(listed.files)
    texts = {file["path"]: contents[file["content_id"]]["content"] for file in listed.files}
    assert texts["/grows.txt"] == text
    assert texts["/lib/b.py"] == "b = 1\n"


def test_every_revision_of_a_pack_full_of_differences(repository: Path) -> None:
    revisions = [
        commit(repository, {f"{n}/{n}": f"{n}", "grows.txt": f"{n**9}\n" * 40 + "same\n" * n * 99})
        for n in range(25)
    ]
    packed(repository)
    (pack,) = (repository / ".git/objects/pack").glob("*.pack")
    assert "chain length = 3" in git(repository, "verify-pack", "-v", str(pack))
    for number, revision in enumerate(revisions):
        listed = list_locally(f"git:{repository}@{revision}")
        assert listed.root_id == git(repository, "rev-parse", f"{revision}^{{tree}}")
        assert len(listed.files) == len(FILES) + 2 + number
        assert {f["path"]: (f["mode"], f["content_id"]) for f in listed.files} == tree_of(
            repository, revision
        )
        contents = fetch_locally(listed.files)
        assert {row["status"] for row in contents.values()} == {"ok"}
        (grown,) = [file for file in listed.files if file["path"] == "/grows.txt"]
        assert contents[grown["content_id"]]["length_bytes"] == grown["length_bytes"]


def test_list_git_at_refs(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    first_tree = git(repository, "rev-parse", "HEAD^{tree}")
    git(repository, "tag", "light")
    git(repository, "tag", "-a", "v1", "-m", "one")
    git(repository, "tag", "-a", "v1-again", "v1", "-m", "tag of a tag")
    git(repository, "branch", "feature/x")
    commit(repository, {"more.txt": "more"})
    git(repository, "pack-refs", "--all")
    for ref, branch in [
        ("light", "refs/tags/light"),
        ("v1", "refs/tags/v1"),
        ("v1-again", "refs/tags/v1-again"),
        ("feature/x", "refs/heads/feature/x"),
        ("refs/heads/feature/x", "refs/heads/feature/x"),
        (first, None),
        (first[:8], None),
    ]:
        (origin,) = list_locally(f"git:{repository}@{ref}").origins
        assert (origin["revision_id"], origin["directory_id"]) == (first, first_tree)
        assert origin["branch_name"] == branch


def test_list_git_detached_head(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    (origin,) = list_locally(f"git:{repository}").origins
    assert origin["branch_name"] == "HEAD"


def swh_snapshot_id(folder: Path, refs: dict[str, tuple[str, str]], head: str) -> str:
    branches: dict[bytes, model.SnapshotBranch | None] = {
        name.encode(): model.SnapshotBranch(
            target=bytes.fromhex(target), target_type=model.SnapshotTargetType(kind)
        )
        for name, (kind, target) in refs.items()
    }
    branches[b"HEAD"] = model.SnapshotBranch(
        target=head.encode(), target_type=model.SnapshotTargetType.ALIAS
    )
    branches.setdefault(head.encode(), None)
    return model.Snapshot(branches=branches).id.hex()


def test_snapshot_id_equals_swh_model(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "-a", "v1", "-m", "one")
    git(repository, "tag", "tree", "HEAD^{tree}")
    git(repository, "tag", "blob", "HEAD:a.txt")
    for ref in ("refs/pull/7/head", "refs/pull/7/merge", "refs/changes/1/2", "refs/notes/x"):
        git(repository, "update-ref", ref, head)
    expected = {
        "refs/heads/main": ("revision", head),
        "refs/tags/v1": ("release", git(repository, "rev-parse", "v1")),
        "refs/tags/tree": ("directory", git(repository, "rev-parse", "HEAD^{tree}")),
        "refs/tags/blob": ("content", git(repository, "rev-parse", "HEAD:a.txt")),
        # Test merges and histories of reviews are not part of a snapshot.
        "refs/pull/7/head": ("revision", head),
        "refs/notes/x": ("revision", head),
    }
    oracle = swh_snapshot_id(repository, expected, "refs/heads/main")
    assert list_locally(f"git:{repository}").origins[0]["snapshot_id"] == oracle
    git(repository, "pack-refs", "--all")
    git(repository, "gc", "-q")
    assert list_locally(f"git:{repository}").origins[0]["snapshot_id"] == oracle


def test_snapshot_id_with_unborn_head(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "symbolic-ref", "HEAD", "refs/heads/none")
    refs = {"refs/heads/main": ("revision", head)}
    (origin,) = list_locally(f"git:{repository}@main").origins
    assert origin["snapshot_id"] == swh_snapshot_id(repository, refs, "refs/heads/none")
    assert list_locally(f"git:{repository}").problems == [("origin", "unknown_ref")]


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


def test_list_git_missing_objects(repository: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:a.txt")
    (repository / ".git/objects" / blob[:2] / blob[2:]).unlink()
    subtree = git(repository, "rev-parse", "HEAD:lib")
    (repository / ".git/objects" / subtree[:2] / subtree[2:]).unlink()
    listed = list_locally(f"git:{repository}")
    assert listed.paths == ["/lib.py"]
    assert listed.problems == [("entry", "missing_git_object")] * 2
    assert blob in listed.quarantine[0]["message"]
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    (repository / ".git/objects" / tree[:2] / tree[2:]).unlink()
    assert list_locally(f"git:{repository}").problems == [("origin", "missing_git_object")]


def loose_path(folder: Path, object_id: str) -> Path:
    path = folder / ".git/objects" / object_id[:2] / object_id[2:]
    path.chmod(0o644)
    return path


def test_list_git_corrupt_tree(repository: Path) -> None:
    tree = git(repository, "rev-parse", "HEAD:lib")
    path = loose_path(repository, tree)
    path.write_bytes(zlib.compress(b"tree 3\0abc"))
    listed = list_locally(f"git:{repository}")
    assert listed.problems == [("entry", "broken_git_object")]
    path.write_bytes(b"garbage")
    assert list_locally(f"git:{repository}").problems == [("entry", "broken_git_object")]


def test_fetch_git_corrupt_blob(repository: Path) -> None:
    listed = list_locally(f"git:{repository}")
    blob = git(repository, "rev-parse", "HEAD:a.txt")
    loose_path(repository, blob).write_bytes(zlib.compress(b"blob 2\0b\n"))
    lost = git(repository, "rev-parse", "HEAD:lib/b.py")
    loose_path(repository, lost).unlink()
    contents = fetch_locally(listed.files)
    assert contents[blob]["status"] == "corrupt"
    assert contents[blob]["error_class"] == "changed_content"
    assert (contents[lost]["status"], contents[lost]["error_class"]) == (
        "missing",
        "missing_git_object",
    )
    good = [row["status"] for key, row in contents.items() if key not in (blob, lost)]
    assert good == ["ok", "ok"]


def test_fetch_git_lying_header_stops(repository: Path) -> None:
    listed = list_locally(f"git:{repository}")
    blob = git(repository, "rev-parse", "HEAD:a.txt")
    bomb = zlib.compress(b"blob 2\0" + bytes(50_000_000))
    loose_path(repository, blob).write_bytes(bomb)
    row = fetch_locally(listed.files)[blob]
    assert (row["status"], row["error_class"]) == ("corrupt", "broken_git_object")
    assert "longer than its header says" in row["message"]


def test_fetch_git_large_blob_is_hashed_in_a_stream(repository: Path) -> None:
    commit(repository, {"big.txt": "0123456789" * 1000})
    packed(repository)
    listed = list_locally(f"git:{repository}")
    (big,) = [file for file in listed.files if file["path"] == "/big.txt"]
    row = fetch_locally([big], max_text_bytes=10_000)[big["content_id"]]
    assert (row["status"], row["length_bytes"], row["content"]) == ("too_large", 10_000, None)
    assert row["blob_id"] is not None
    row = fetch_locally([big], max_text_bytes=10_001)[big["content_id"]]
    assert row["status"] == "ok"


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


def test_list_git_whole_container_problems(tmp_path: Path, repository: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert list_locally(f"git:{empty}").problems == [("origin", "not_a_repository")]
    git(empty, "init", "-q", "-b", "main")
    assert list_locally(f"git:{empty}").problems == [("origin", "empty_repository")]
    assert list_locally(f"git:{repository}@nope").problems == [("origin", "unknown_ref")]
    (row,) = list_locally(f"git:{repository}@nope").quarantine
    assert row["key"] == f"{repository}@nope"
    assert "nope" in row["message"]
    blob = git(repository, "rev-parse", "HEAD:a.txt")
    assert list_locally(f"git:{repository}@{blob}").problems == [("origin", "unknown_ref")]


def test_list_git_broken_pack(repository: Path) -> None:
    packed(repository)
    (pack,) = (repository / ".git/objects/pack").glob("*.pack")
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[12:] = bytes(len(data) - 12)
    pack.write_bytes(data)
    assert list_locally(f"git:{repository}").problems == [("origin", "broken_git_object")]
    pack.write_bytes(struct.pack(">4s", b"PACK"))
    assert list_locally(f"git:{repository}").problems == [("origin", "broken_git_object")]


def test_list_git_runs_nothing(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    (repository / ".git/config").write_text(
        f"[core]\n\tfsmonitor = touch {trap}\n\tsshCommand = touch {trap}\n"
        "[include]\n\tpath = /nope\n"
    )
    shutil.rmtree(repository / ".git/hooks", ignore_errors=True)
    assert len(list_locally(f"git:{repository}").files) == len(FILES)
    assert not trap.exists()


def test_list_git_loose_ref_that_is_a_link_leaks_nothing(repository: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password\n")
    (repository / ".git/refs/heads/evil").symlink_to(secret)
    listed = list_locally(f"git:{repository}@evil")
    assert listed.problems == [("origin", "unknown_ref")]
    assert "password" not in listed.quarantine[0]["message"]


def test_same_repository_is_listed_alike(repository: Path) -> None:
    assert list_locally(f"git:{repository}") == list_locally(f"git:{repository}")
