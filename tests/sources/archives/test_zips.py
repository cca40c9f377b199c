"""Zips that are broken, encrypted or bombs."""

import io
import os
import struct
import subprocess
import zipfile
import zlib
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
    assert list_locally(f"archive:{tmp_path}/x.zip").problems == [("entry", "unsupported_member")]


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


NAMES = ["x/LICENSE", "x/src/app.py", "x/deep/er/a.js"]


def named(names: list[str], system: int = 0, flag: int = 0) -> bytes:
    """A zip with members of these names in its directory and before their bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo(name.replace("\\", "/"))
            info.create_system, info.flag_bits = system, flag
            archive.writestr(info, str(len(name)))
    data = buffer.getvalue()
    for name in names:
        data = data.replace(name.replace("\\", "/").encode(), name.encode())
    return data


def test_backslashes_of_windows_are_slashes(tmp_path: Path) -> None:
    backslashes = [name.replace("/", "\\") for name in NAMES]
    archives = {"slashes": named(NAMES), "backslashes": named(backslashes)}
    start = archives["slashes"].index(b"PK\1\2")
    other = archives["backslashes"]
    archives["directory"] = archives["slashes"][:start] + other[other.index(b"PK\1\2") :]
    archives["members"] = other[: other.index(b"PK\1\2")] + archives["slashes"][start:]
    roots = {}
    for name, data in archives.items():
        (tmp_path / f"{name}.zip").write_bytes(data)
        listed = list_locally(f"archive:{tmp_path}/{name}.zip")
        assert (sorted(listed.paths), listed.problems) == (sorted(f"/{n}" for n in NAMES), [])
        roots[name] = listed.root_id
    assert len(set(roots.values())) == 1


def test_backslash_of_unix_is_a_letter(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(named(["a\\b.py"], system=3))
    assert list_locally(f"archive:{tmp_path}/x.zip").paths == ["/a\\b.py"]


@pytest.mark.parametrize(("is_right", "path"), [(True, "/größe.py"), (False, "/gr__e.py")])
def test_name_in_an_extra_field_counts_if_it_is_of_this_name(
    tmp_path: Path, *, is_right: bool, path: str
) -> None:
    checksum = zlib.crc32(b"gr__e.py") + (not is_right)
    field = b"\1" + struct.pack("<I", checksum & 0xFFFFFFFF) + "größe.py".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("gr__e.py")
        info.extra = (
            struct.pack("<HHH", 0x1234, 2, 0) + struct.pack("<HH", 0x7075, len(field)) + field
        )
        archive.writestr(info, "x")
    (tmp_path / "x.zip").write_bytes(buffer.getvalue())
    assert list_locally(f"archive:{tmp_path}/x.zip").paths == [path]
