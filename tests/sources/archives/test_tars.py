"""Tars that are cut off, broken or hostile."""

import gzip
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from archive_fixtures import (
    COMPRESSED,
    add_file,
    add_link,
    tar_of,
)
from source_fixtures import fetch_locally, list_locally


def test_pax_headers(tmp_path: Path) -> None:
    path = tmp_path / "pax.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "x"}) as tar:
        add_file(tar, "é" * 120, b"long name")
        add_link(tar, "link", "ü" * 120)
    listed = list_locally(f"archive:{path}")
    assert listed.paths == ["/link", "/" + "é" * 120]
    link = fetch_locally(listed.files)[listed.files[0]["content_id"]]
    assert link["content"] == "ü" * 120


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


def header(name: str, kind: bytes, size: int = 0) -> bytes:
    """A header block that `tarfile` would not write."""
    info = tarfile.TarInfo("x")
    info.type, info.size, info.mode = kind, size, 0o755
    block = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    block[:100] = name.encode().ljust(100, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE])
def test_files_whose_names_end_in_a_slash_are_folders(tmp_path: Path, kind: bytes) -> None:
    data = header("x/", kind) + header("x/src/", kind) + header("x/src/a.py", kind, 1)
    (tmp_path / "x.tar").write_bytes(data + b"1".ljust(512, b"\0") + bytes(1024))
    listed = list_locally(f"archive:{tmp_path}/x.tar")
    assert (listed.paths, listed.problems) == (["/x/src/a.py"], [])


@pytest.mark.parametrize(
    "options",
    [
        ["--format=gnu"],
        ["--format=posix", "--sparse-version=0.0"],
        ["--format=posix", "--sparse-version=0.1"],
        ["--format=posix", "--sparse-version=1.0"],
    ],
)
def test_sparse_member_is_one_row_and_the_others_are_read(
    tmp_path: Path, options: list[str]
) -> None:
    with (tmp_path / "b.img").open("wb") as file:
        for place in range(60):  # more holes than a header has room for
            file.seek(place * 200_000)
            file.write(b"x" * 4096)
        file.truncate(20_000_000)
    for name in ("a.py", "c.py"):
        (tmp_path / name).write_text("x = 1\n")
    names = ["a.py", "b.img", "c.py"]
    subprocess.run(["tar", "-cSf", "x.tar", *options, *names], cwd=tmp_path, check=True)
    assert (tmp_path / "x.tar").stat().st_size < 2_000_000
    listed = list_locally(f"archive:{tmp_path}/x.tar")
    assert listed.paths == ["/a.py", "/c.py"]
    assert listed.problems == [("entry", "unsupported_file")]
    assert "b.img" in listed.quarantine[0]["key"]


def test_what_follows_the_end_marker_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(tar_of(b"x") * 2)
    listed = list_locally(f"archive:{tmp_path}/x.tar")
    assert (listed.paths, listed.problems) == (["/blanks"], [("entry", "trailing_data")])
