"""Directories on disk; Software Heritage's library is the oracle of the root's id."""

import os
import socket
from pathlib import Path

import pytest
from source_fixtures import (
    git,
    list_locally,
    make_repository,
    swh_root_id,
    write_files,
)


def test_list_directory_takes_everything(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "work", {"a.txt": "a\n", "x/b": ""})
    (root / "empty/deeper").mkdir(parents=True)
    (root / "loop").symlink_to(".")
    listed = list_locally(f"dir:{root}")
    assert {"/a.txt", "/x/b", "/loop", "/.git/HEAD"} <= set(listed.paths)
    assert not any(path.startswith("/loop/") for path in listed.paths)
    assert listed.root_id == swh_root_id(root)
    (origin,) = listed.origins
    assert (origin["origin_url"], origin["repo_name"]) == (root.as_uri(), "work")
    assert (origin["snapshot_id"], origin["revision_id"]) == (None, None)
    assert origin["num_files"] == len(listed.files)


def test_list_directory_without_repository_equals_git(tmp_path: Path) -> None:
    files = {"a": "1", "a.b/c": "2", "a-b": "3", "ab/c/d": "4"}
    root = write_files(tmp_path / "plain", files)
    make_repository(tmp_path / "repo", files)
    tree = git(tmp_path / "repo", "rev-parse", "HEAD^{tree}")
    assert list_locally(f"dir:{root}").root_id == tree


def test_list_empty_directory(tmp_path: Path) -> None:
    listed = list_locally(f"dir:{tmp_path}")
    assert listed.root_id == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert listed.origins[0]["num_files"] == 0


def test_special_files_are_quarantined_and_count_in_the_root(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": "a"})
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "socket"))
        listed = list_locally(f"dir:{tmp_path}")
        assert listed.root_id == swh_root_id(tmp_path)
    assert listed.paths == ["/a"]
    assert listed.problems == [("entry", "special_file")] * 2
    assert listed.quarantine[0]["key"] == f"{tmp_path}/pipe"


def test_unreadable_entries_are_quarantined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"a": "a", "b": "b", "closed/c": "c"})
    opened, scanned = os.open, os.scandir

    def refuse_b(path: bytes, flags: int) -> int:
        if path.endswith(b"/b"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags)

    def refuse_closed(path: bytes) -> object:
        if path.rstrip(b"/").endswith(b"closed"):
            raise PermissionError(13, "Permission denied")
        return scanned(path)

    # The superuser may read everything, so the refusal is made here.
    monkeypatch.setattr(os, "open", refuse_b)
    monkeypatch.setattr(os, "scandir", refuse_closed)
    listed = list_locally(f"dir:{tmp_path}")
    monkeypatch.undo()
    assert listed.paths == ["/a"]
    assert listed.problems == [("entry", "unreadable")] * 2
    assert "Permission denied" in listed.quarantine[0]["message"]
    alone = write_files(tmp_path / "alone", {"a": "a"})
    assert listed.root_id == swh_root_id(alone)
