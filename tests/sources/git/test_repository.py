"""Refs, snapshots and containers that are no repository."""

import shutil
from pathlib import Path

import pytest
from git_repositories import FILES
from source_fixtures import commit, git, list_locally
from swh.model import model


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


@pytest.mark.parametrize("header", ["", "# pack-refs with:\n", "# pack-refs with: sorted\n# x\n"])
def test_packed_refs_are_read_whatever_their_header_says(repository: Path, header: str) -> None:
    git(repository, "tag", "-a", "v1", "-m", "with a peeled line")
    git(repository, "pack-refs", "--all")
    expected = [list_locally(f"git:{repository}{ref}").origins for ref in ("", "@v1")]
    path = repository / ".git/packed-refs"
    path.write_text(header + path.read_text().partition("\n")[2])
    assert [list_locally(f"git:{repository}{ref}").origins for ref in ("", "@v1")] == expected


def test_refs_and_paths_may_hold_an_at(tmp_path: Path, repository: Path) -> None:
    trees = {}
    for ref in ("@acme/ui@1.2.0", "stubs@1.12.0", "1.12.0"):
        commit(repository, {"a.txt": ref})
        git(repository, "tag", ref)
        trees[ref] = git(repository, "rev-parse", "HEAD^{tree}")
    git(repository, "branch", "bot/@types/node-20.1.0", "1.12.0")
    trees["bot/@types/node-20.1.0"] = trees["1.12.0"]
    moved = tmp_path / "at@home" / "x@1"
    moved.parent.mkdir()
    shutil.copytree(repository, moved)
    for place in (repository, moved):
        for ref, tree in trees.items():
            assert list_locally(f"git:{place}@{ref}").root_id == tree
    assert list_locally(f"git:{moved}").root_id == trees["1.12.0"]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("objectformat = sha256", "has SHA-256 objects, which is not supported"),
        ("refStorage = reftable", "keeps its refs in a reftable, which is not supported"),
        ("newthing = yes", "uses git's extension newthing = yes, which is not supported"),
    ],
)
@pytest.mark.parametrize("ref", ["", "@main", f"@{'1' * 64}"])
def test_format_that_is_not_supported_is_named(
    repository: Path, config: str, words: str, ref: str
) -> None:
    with (repository / ".git/config").open("a") as file:
        file.write(f"[core]\n\trepositoryformatversion = 1\n[extensions]\n\t{config}\n")
    listed = list_locally(f"git:{repository}{ref}")
    assert listed.problems == [("origin", "unsupported_repository")]
    assert words in listed.quarantine[0]["message"]


def test_extensions_that_change_nothing_are_no_hindrance(repository: Path) -> None:
    with (repository / ".git/config").open("a") as file:
        file.write("[extensions]\n\tworktreeConfig = true\n\tpartialClone = origin\n")
        file.write("\tobjectFormat = SHA1\n\tnoop\n")
    assert list_locally(f"git:{repository}").problems == []
