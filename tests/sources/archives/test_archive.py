"""Archives of every kind, harmless and hostile; extraction and swh.model are the oracles."""

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from source_fixtures import Listed, fetch_locally, list_locally, swh_root_id, write_files

from stackspark.sources.base.limits import Limits

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


def test_pax_headers(tmp_path: Path) -> None:
    path = tmp_path / "pax.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "x"}) as tar:
        add_file(tar, "é" * 120, b"long name")
        add_link(tar, "link", "ü" * 120)
    listed = list_locally(f"archive:{path}")
    assert listed.paths == ["/link", "/" + "é" * 120]
    link = fetch_locally(listed.files)[listed.files[0]["content_id"]]
    assert link["content"] == "ü" * 120


def add_file(tar: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    tar.addfile(info, io.BytesIO(data))


def add_link(tar: tarfile.TarFile, name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    tar.addfile(info)


def list_tar(tmp_path: Path, fill: Callable[[tarfile.TarFile], None], **limits: float) -> Listed:
    path = tmp_path / "made.tar"
    with tarfile.open(path, "w") as tar:
        fill(tar)
    return list_locally(f"archive:{path}", Limits(**limits))  # type: ignore[arg-type]


def list_zip(tmp_path: Path, fill: Callable[[zipfile.ZipFile], None], **limits: float) -> Listed:
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)
    return list_locally(f"archive:{path}", Limits(**limits))  # type: ignore[arg-type]


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


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


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


def test_encrypted_member(tmp_path: Path) -> None:
    write_files(tmp_path, {"secret.txt": "secret", "open.txt": "open"})
    for options in (["-qP", "pw", "x.zip", "secret.txt"], ["-q", "x.zip", "open.txt"]):
        subprocess.run(["zip", *options], cwd=tmp_path, check=True)
    listed = list_locally(f"archive:{tmp_path}/x.zip")
    assert (listed.paths, listed.problems) == (["/open.txt"], [("entry", "encrypted")])


def test_corrupt_zip_member(tmp_path: Path) -> None:
    info_offset = 30 + len("bad")
    data = bytearray(zip_of({"bad": os.urandom(100), "ok": b"ok"}))
    data[info_offset + 20] ^= 0xFF
    (tmp_path / "x.zip").write_bytes(data)
    listed = list_locally(f"archive:{tmp_path}/x.zip")
    assert (listed.paths, listed.problems) == (["/ok"], [("entry", "corrupt_member")])


def test_unsupported_zip_compression(tmp_path: Path) -> None:
    data = zip_of({"odd": b"x" * 100}).replace(b"\x08\x00", b"\x09\x00")
    (tmp_path / "x.zip").write_bytes(data)
    assert list_locally(f"archive:{tmp_path}/x.zip").problems == [("entry", "corrupt_member")]


BLANKS = bytes(3_000_000)
COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


def tar_of(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        add_file(tar, "blanks", data)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", sorted(COMPRESSED))
@pytest.mark.parametrize(
    "limits",
    [Limits(max_total_bytes=1_000_000), Limits(max_ratio=20, ratio_floor_bytes=1_000_000)],
)
def test_tar_bomb_discards_the_archive(tmp_path: Path, suffix: str, limits: Limits) -> None:
    path = tmp_path / f"x.tar.{suffix}"
    path.write_bytes(COMPRESSED[suffix](tar_of(BLANKS)))
    listed = list_locally(f"archive:{path}", limits)
    assert (listed.files, listed.problems) == ([], [("origin", "zip_bomb")])
    assert len(list_locally(f"archive:{path}").files) == 1


@pytest.mark.parametrize(
    "limits",
    [{"max_total_bytes": 1_000_000}, {"max_ratio": 20, "ratio_floor_bytes": 1_000_000}],
)
def test_zip_bomb_discards_the_archive(tmp_path: Path, limits: dict[str, float]) -> None:
    listed = list_zip(tmp_path, lambda archive: archive.writestr("blanks", BLANKS), **limits)
    assert (listed.files, listed.problems) == ([], [("origin", "zip_bomb")])


def test_zip_with_a_lying_size_is_not_trusted(tmp_path: Path) -> None:
    data = zip_of({"blanks": BLANKS})
    lying = data.replace(struct.pack("<L", len(BLANKS)), struct.pack("<L", 10))
    (tmp_path / "x.zip").write_bytes(lying)
    listed = list_locally(f"archive:{tmp_path}/x.zip")
    assert (listed.files, listed.problems) == ([], [("entry", "corrupt_member")])


def test_too_many_members(tmp_path: Path) -> None:
    def fill(tar: tarfile.TarFile) -> None:
        for number in range(11):
            add_file(tar, f"{number}", b"")

    assert list_tar(tmp_path, fill, max_members=10).problems == [("origin", "zip_bomb")]
    assert list_tar(tmp_path, fill, max_members=11).problems == []


def test_zip_directory_too_large_to_be_read(tmp_path: Path) -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        for number in range(20):
            archive.writestr(f"{number}" * 100, "")

    listed = list_zip(tmp_path, fill, max_members=1)
    assert listed.problems == [("origin", "zip_bomb")]
    assert "directory" in listed.quarantine[0]["message"]


def test_huge_extended_header_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 8_000_000_000
    ok = tar_of(b"x")[:1024]
    (tmp_path / "x.tar").write_bytes(ok + info.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    listed = list_locally(f"archive:{tmp_path}/x.tar")
    assert (listed.files, listed.problems) == ([], [("origin", "corrupt_archive")])


@pytest.mark.parametrize("suffix", ["", *sorted(COMPRESSED)])
@pytest.mark.parametrize("cut", [0.5, 0.97])
def test_truncated_tar_discards_the_archive(tmp_path: Path, suffix: str, cut: float) -> None:
    data = tar_of(os.urandom(100_000))[: 512 + 100_352 + 1024]
    data = COMPRESSED[suffix](data) if suffix else data
    path = tmp_path / "x.tar"
    path.write_bytes(data[: int(len(data) * cut)])
    listed = list_locally(f"archive:{path}")
    assert (listed.files, listed.problems) == ([], [("origin", "truncated_archive")])


def test_tar_cut_between_members_is_truncated(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(tar_of(b"x" * 512)[:1024])
    assert list_locally(f"archive:{tmp_path}/x.tar").problems == [("origin", "truncated_archive")]
    # A compressed tar without an end marker is whole: the compression says so.
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(tar_of(b"x" * 512)[:1024]))
    assert list_locally(f"archive:{tmp_path}/x.tar.gz").paths == ["/blanks"]


def test_broken_header_after_the_first_member_is_corrupt(tmp_path: Path) -> None:
    data = bytearray(tar_of(b"x") * 2)
    data[1024:1536] = b"\xff" * 512
    (tmp_path / "x.tar").write_bytes(data)
    listed = list_locally(f"archive:{tmp_path}/x.tar")
    assert (listed.files, listed.problems) == ([], [("origin", "corrupt_archive")])


def test_gzip_with_a_wrong_checksum_is_corrupt(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(tar_of(os.urandom(1000))))
    data[-6] ^= 0xFF
    (tmp_path / "x.tar.gz").write_bytes(data)
    assert list_locally(f"archive:{tmp_path}/x.tar.gz").problems == [("origin", "corrupt_archive")]


def test_truncated_zip(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zip_of({"a": b"a" * 500})[:-10])
    assert list_locally(f"archive:{tmp_path}/x.zip").problems == [("origin", "truncated_archive")]


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
