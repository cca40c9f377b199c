"""Bytes are read where listing found them, or reported with a fault."""

import os
from pathlib import Path

import pytest
from source_fixtures import (
    fetch_locally,
    list_locally,
    write_files,
)


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
