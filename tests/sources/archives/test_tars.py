"""Tars that are cut off, broken or hostile."""

import gzip
import os
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
