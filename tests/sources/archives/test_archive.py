"""Archives of every kind, harmless and hostile; extraction and swh.model are the oracles."""

import bz2
import gzip
import lzma
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from archive_fixtures import (
    add_file,
    add_link,
    list_tar,
    zip_of,
)
from source_fixtures import fetch_locally, list_locally, swh_root_id, write_files

FILES = {"top/a.txt": "a\n", "top/lib/b.py": "b = 1\n", "top/lib.py": "x\n", "top/empty": ""}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = write_files(tmp_path / "tree", FILES)
    (root / "top/run.sh").write_text("#!/bin/sh\n")
    (root / "top/run.sh").chmod(0o755)
    (root / "top/link").symlink_to("lib/b.py")
    (root / "top/hollow").mkdir()
    (root / ("top/" + "long" * 60)).write_text("long")
    return root


def tarred(tree: Path) -> bytes:
    command = ["tar", "--sort=name", "-cf", "-", "-C", str(tree), "."]
    return subprocess.run(command, capture_output=True, check=True).stdout


def zipped(tree: Path) -> bytes:
    subprocess.run(["zip", "-qry", "../made.zip", "."], cwd=tree, check=True)
    return (tree.parent / "made.zip").read_bytes()


FORMATS: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "tar": ("x.tar", tarred),
    "gzip": ("x-1.0.tar.gz", lambda tree: gzip.compress(tarred(tree))),
    "two gzip members": (
        "x.tgz",
        lambda tree: gzip.compress(tarred(tree)[:700]) + gzip.compress(tarred(tree)[700:]),
    ),
    "bzip2": ("x.tar.bz2", lambda tree: bz2.compress(tarred(tree))),
    "xz": ("x.tar.xz", lambda tree: lzma.compress(tarred(tree))),
    "zstd": ("x.tar.zst", lambda tree: zstandard.ZstdCompressor().compress(tarred(tree))),
    "two zstd frames": (
        "x.tar.zst",
        lambda tree: b"".join(
            zstandard.ZstdCompressor().compress(part)
            for part in (tarred(tree)[:700], tarred(tree)[700:])
        ),
    ),
    "misnamed": ("x.txt", lambda tree: gzip.compress(tarred(tree))),
    "zip": ("x.zip", zipped),
    "wheel": ("x-1.0-py3-none-any.whl", zipped),
    "self-extracting": ("x.bin", lambda tree: b"#!/bin/sh\nexit\n" * 40 + zipped(tree)),
}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_list_archive_equals_extraction(tree: Path, tmp_path: Path, name: str) -> None:
    file_name, make = FORMATS[name]
    path = tmp_path / file_name
    path.write_bytes(make(tree))
    listed = list_locally(f"archive:{path}")
    assert listed.root_id == swh_root_id(tree)
    modes = {file["path"]: file["mode"] for file in listed.files}
    assert modes["/top/run.sh"] == 33261
    assert modes["/top/link"] == 40960
    assert modes["/top/" + "long" * 60] == 33188
    assert listed.quarantine == []
    contents = fetch_locally(listed.files)
    texts = {file["path"]: contents[file["content_id"]]["content"] for file in listed.files}
    assert texts["/top/lib/b.py"] == "b = 1\n"
    assert texts["/top/link"] == "lib/b.py"
    assert texts["/top/empty"] is None


def test_hard_links(tmp_path: Path) -> None:
    def fill(tar: tarfile.TarFile) -> None:
        add_file(tar, "a", b"a\n", 0o755)
        add_link(tar, "b", "./a", tarfile.LNKTYPE)
        add_link(tar, "c", "later", tarfile.LNKTYPE)
        add_link(tar, "d", "../../etc/passwd", tarfile.LNKTYPE)

    listed = list_tar(tmp_path, fill)
    assert listed.paths == ["/a", "/b"]
    assert listed.files[0]["content_id"] == listed.files[1]["content_id"]
    assert listed.files[1]["mode"] == 33261
    assert sorted(listed.problems) == [("entry", "link_outside"), ("entry", "unsafe_path")]
    (row,) = fetch_locally(listed.files[1:]).values()
    assert row["content"] == "a\n"


def test_duplicate_members_keep_the_first(tmp_path: Path) -> None:
    def fill(tar: tarfile.TarFile) -> None:
        for text in (b"first", b"second", b"third"):
            add_file(tar, "a", text)

    listed = list_tar(tmp_path, fill)
    assert listed.problems == [("entry", "duplicate_member")] * 2
    assert len({row["key"] for row in listed.quarantine}) == 2
    (row,) = fetch_locally(listed.files).values()
    assert row["content"] == "first"
    assert listed.root_id == swh_root_id(write_files(tmp_path / "rest", {"a": "first"}))


def test_file_and_folder_of_one_name(tmp_path: Path) -> None:
    def fill(tar: tarfile.TarFile) -> None:
        add_file(tar, "a/b", b"below")
        add_file(tar, "a", b"file")
        add_file(tar, "a-b", b"between in order of bytes")

    listed = list_tar(tmp_path, fill)
    assert (listed.paths, listed.problems) == (["/a", "/a-b"], [("entry", "path_collision")])


def test_special_files_are_left_out(tmp_path: Path) -> None:
    def fill(tar: tarfile.TarFile) -> None:
        add_link(tar, "pipe", "", tarfile.FIFOTYPE)
        add_link(tar, "device", "", tarfile.CHRTYPE)

    listed = list_tar(tmp_path, fill)
    assert (listed.paths, listed.problems) == ([], [("entry", "special_file")] * 2)


def test_too_many_members(tmp_path: Path) -> None:
    def fill(tar: tarfile.TarFile) -> None:
        for number in range(11):
            add_file(tar, f"{number}", b"")

    assert list_tar(tmp_path, fill, max_members=10).problems == [("origin", "zip_bomb")]
    assert list_tar(tmp_path, fill, max_members=11).problems == []


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 511, zlib.compress(b"x"), b"x" * 5000])
def test_not_an_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(data)
    assert list_locally(f"archive:{tmp_path}/x.tar").problems == [("origin", "not_an_archive")]
    (tmp_path / "x.tar").write_bytes(gzip.compress(data))
    assert list_locally(f"archive:{tmp_path}/x.tar").problems == [("origin", "not_an_archive")]


def test_quarantine_names_source_and_member(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.zip").write_bytes(zip_of({"../evil": b"x", "ok": name.encode()}))
    listed = list_locally(f"archive:{tmp_path}/*.zip")
    assert [row["source"] for row in listed.quarantine] == [f"archive:{tmp_path}/*.zip"] * 2
    assert [row["key"] for row in listed.quarantine] == [
        f"{tmp_path}/{name}.zip/../evil (member 0)" for name in ("a", "b")
    ]


def test_fetch_archive_that_changed(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zip_of({"a": b"a", "b": b"b", "c": b"c"}))
    files = list_locally(f"archive:{path}").files
    path.write_bytes(zip_of({"a": b"a", "b": b"changed"}))
    rows = fetch_locally(files)
    assert [rows[file["content_id"]]["status"] for file in files] == ["ok", "corrupt", "missing"]
    path.write_bytes(b"PK\3\4 cut off")
    assert {row["status"] for row in fetch_locally(files).values()} == {"corrupt"}
    path.unlink()
    assert {row["status"] for row in fetch_locally(files).values()} == {"missing"}


def test_fetch_archive_by_units(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for number in range(40):
            add_file(tar, f"{number:02}", f"{number}\n".encode() * 2000)
    listed = list_locally(f"archive:{path}", unit_bytes=50_000)
    assert {file["locator"]["unit"] for file in listed.files} > {0, 1, 2}
    contents = fetch_locally(listed.files)
    for number, file in enumerate(listed.files):
        assert contents[file["content_id"]]["content"] == f"{number}\n" * 2000
