"""Directories on disk; Software Heritage's library is the oracle of the root's id."""

import os
import socket
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_fixtures import (
    fetch_locally,
    git,
    list_locally,
    make_repository,
    swh_root_id,
    write_files,
)

from stackspark.sources.fetching.fetch import FetchParams, fetch_units

names = st.binary(min_size=1, max_size=4).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
leaves = st.one_of(st.binary(max_size=5), st.just(None))  # None: a symbolic link
trees = st.recursive(
    st.dictionaries(names, leaves, max_size=4),
    lambda children: st.dictionaries(names, st.one_of(leaves, children), max_size=4),
    max_leaves=12,
)


def make_tree(folder: bytes, tree: dict[bytes, object]) -> None:
    for name, value in tree.items():
        path = folder + b"/" + name
        if value is None:
            os.symlink(b"../" + name, path)  # noqa: PTH211
        elif isinstance(value, bytes):
            with open(path, "wb") as file:  # noqa: PTH123, bytes
                file.write(value)
            os.chmod(path, 0o755 if value.startswith(b"\1") else 0o600)  # noqa: PTH101
        else:
            os.mkdir(path)  # noqa: PTH102
            make_tree(path, value)  # type: ignore[arg-type]


@given(trees)
@settings(max_examples=60, deadline=None)
def test_root_id_equals_swh_model(tree: dict[bytes, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        make_tree(os.fsencode(folder), tree)
        listed = list_locally(f"dir:{folder}")
        assert listed.root_id == swh_root_id(Path(folder))
        assert {problem for _, problem in listed.problems} <= {"path_collision"}


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


def test_units_are_bounded_in_bytes_and_files(tmp_path: Path) -> None:
    write_files(tmp_path, {f"{number:03}": "x" * 1000 for number in range(100)})
    units = {f["locator"]["unit"] for f in list_locally(f"dir:{tmp_path}", unit_bytes=50_000).files}
    assert units == set(range(35))  # 100 files of 1,000 bytes and 16 KiB for opening each


def test_fetch_directory(tmp_path: Path) -> None:
    write_files(tmp_path, {"text": "é\n", "empty": "", "gone": "gone", "changed": "before"})
    (tmp_path / "binary").write_bytes(b"\0\1")
    (tmp_path / "link").symlink_to("target")
    listed = list_locally(f"dir:{tmp_path}")
    ids = {file["path"]: file["content_id"] for file in listed.files}
    (tmp_path / "gone").unlink()
    (tmp_path / "changed").write_text("after!")
    contents = fetch_locally(listed.files)
    rows = {path: contents[content_id] for path, content_id in ids.items()}
    assert {path: row["status"] for path, row in rows.items()} == {
        "/text": "ok",
        "/empty": "empty",
        "/binary": "binary",
        "/link": "ok",
        "/gone": "missing",
        "/changed": "corrupt",
    }
    assert rows["/text"]["content"] == "é\n"
    assert rows["/text"]["length_bytes"] == 3
    assert rows["/link"]["content"] == "target"
    assert rows["/empty"]["blob_id"] == "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    for path, row in rows.items():
        assert (row["message"] is None) == (path not in ("/gone", "/changed"))


def test_fetch_does_not_follow_a_link_that_took_the_files_place(tmp_path: Path) -> None:
    write_files(tmp_path, {"root/a": "mine", "secret": "not mine"})
    listed = list_locally(f"dir:{tmp_path}/root")
    (tmp_path / "root/a").unlink()
    (tmp_path / "root/a").symlink_to(tmp_path / "secret")
    (row,) = fetch_locally(listed.files).values()
    assert (row["status"], row["content"]) == ("corrupt", None)


def test_fetch_does_not_follow_a_link_that_appears_at_the_last_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"root/a": "same", "secret": "same"})
    listed = list_locally(f"dir:{tmp_path}/root")
    (tmp_path / "root/a").unlink()
    (tmp_path / "root/a").symlink_to(tmp_path / "secret")
    monkeypatch.setattr(os, "lstat", os.stat)
    (row,) = fetch_locally(listed.files).values()
    assert (row["status"], row["error_class"]) == ("corrupt", "unreadable")


def test_fetch_batches_are_bounded(tmp_path: Path) -> None:
    write_files(tmp_path, {f"{number}": f"{number}" * 1000 for number in range(10)})
    listed = list_locally(f"dir:{tmp_path}")
    locators = [{"content_id": f["content_id"], **f["locator"]} for f in listed.files]
    requests = [pa.RecordBatch.from_pylist(locators)]
    batches = list(fetch_units(requests, FetchParams(fetch_batch_bytes=3000)))
    assert [batch.num_rows for batch in batches] == [2] * 5
