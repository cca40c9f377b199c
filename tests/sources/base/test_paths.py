"""Names and links of archive members that are safe to take, and those that are not."""

import stat
import zipfile
from pathlib import Path

import pytest
from archive_fixtures import add_file, add_link, list_tar, list_zip, zip_of
from source_fixtures import list_locally, swh_root_id, write_files

UNSAFE = ["../evil", "/etc/passwd", "a/../../evil", "C:\\evil", "a\\..\\..\\evil", "\\\\host\\evil"]


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe_path_leaves_the_member_out(tmp_path: Path, name: str) -> None:
    for listed in (
        list_tar(tmp_path, lambda tar: [add_file(tar, name, b"x"), add_file(tar, "ok", b"ok")]),
        list_zip(tmp_path, lambda file: [file.writestr(name, "x"), file.writestr("ok", "ok")]),
    ):
        assert listed.paths == ["/ok"]
        assert listed.problems == [("entry", "unsafe_path")]
        assert listed.root_id == swh_root_id(write_files(tmp_path / "rest", {"ok": "ok"}))
        assert "left out" in listed.quarantine[0]["message"]


def test_unsafe_name_with_nul(tmp_path: Path) -> None:
    data = zip_of({"goodXbad.txt": b"x", "ok": b"ok"}).replace(b"goodXbad", b"good\0bad")
    (tmp_path / "x.zip").write_bytes(data)
    listed = list_locally(f"archive:{tmp_path}/x.zip")
    assert (listed.paths, listed.problems) == (["/ok"], [("entry", "unsafe_path")])


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "../../x", "a/../../x"])
def test_link_outside_leaves_the_member_out(tmp_path: Path, target: str) -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("link")
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)

    for listed in (
        list_tar(tmp_path, lambda tar: add_link(tar, "link", target)),
        list_zip(tmp_path, fill),
    ):
        assert (listed.paths, listed.problems) == ([], [("entry", "link_outside")])


def test_link_within_the_archive_is_kept(tmp_path: Path) -> None:
    listed = list_tar(tmp_path, lambda tar: add_link(tar, "a/link", "../b"))
    assert (listed.paths, listed.quarantine) == (["/a/link"], [])
