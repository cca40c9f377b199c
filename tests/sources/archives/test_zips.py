"""Zips that are broken, encrypted or bombs."""

import os
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest
from archive_fixtures import BLANKS, list_zip, zip_of
from source_fixtures import list_locally, write_files


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


def test_zip_directory_too_large_to_be_read(tmp_path: Path) -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        for number in range(20):
            archive.writestr(f"{number}" * 100, "")

    listed = list_zip(tmp_path, fill, max_members=1)
    assert listed.problems == [("origin", "zip_bomb")]
    assert "directory" in listed.quarantine[0]["message"]


def test_truncated_zip(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zip_of({"a": b"a" * 500})[:-10])
    assert list_locally(f"archive:{tmp_path}/x.zip").problems == [("origin", "truncated_archive")]
