"""Compressed streams stop at their limits and check their sums."""

import gzip
import io
import lzma
import os
import struct
from pathlib import Path

import pytest
from archive_fixtures import BLANKS, COMPRESSED, tar_of, tar_of_files
from source_fixtures import fetch_locally, list_locally

from stackspark.sources.archives import streams
from stackspark.sources.base.limits import Limits


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


def test_gzip_with_a_wrong_checksum_is_corrupt(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(tar_of(os.urandom(1000))))
    data[-6] ^= 0xFF
    (tmp_path / "x.tar.gz").write_bytes(data)
    assert list_locally(f"archive:{tmp_path}/x.tar.gz").problems == [("origin", "corrupt_archive")]


HALVES = [
    tar_of_files({f"{name}.py": b"x = 1\n" * 99 for name in names})[: 2 * 1536]
    for names in ("ab", "cd")
]
WHOLE = ["/a.py", "/b.py", "/c.py", "/d.py"]
SKIPPABLE = b"\x5a\x2a\x4d\x18" + struct.pack("<I", 300_000) + b"\x28\xb5\x2f\xfd" * 75_000


@pytest.mark.parametrize("suffix", sorted(COMPRESSED))
@pytest.mark.parametrize("padding", [b"", bytes(4), bytes(8), bytes(300_000)], ids=len)
def test_all_members_are_read_behind_any_padding(
    tmp_path: Path, suffix: str, padding: bytes
) -> None:
    first, second = map(COMPRESSED[suffix], (HALVES[0], HALVES[1] + bytes(1024)))
    path = tmp_path / f"x.tar.{suffix}"
    path.write_bytes(first + padding + second + padding)
    listed = list_locally(f"archive:{path}")
    assert (listed.paths, listed.problems) == (WHOLE, [])


@pytest.mark.parametrize("suffix", sorted(COMPRESSED))
def test_members_are_found_wherever_reads_are_cut(
    monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    data = b"".join(map(COMPRESSED[suffix], HALVES))
    kinds = streams._FORMATS
    for size in (1, 2, 3, 5, 7, 11):
        monkeypatch.setattr(streams, "_FORMATS", [kind._replace(feed_bytes=size) for kind in kinds])
        opened = streams.open_stream(io.BufferedReader(io.BytesIO(data)), Limits())  # type: ignore[type-var]
        assert opened.file.read() == b"".join(HALVES)
        assert not opened.is_followed


@pytest.mark.parametrize("suffix", sorted(COMPRESSED))
@pytest.mark.parametrize("rest", [b"x", b"\0\0\0garbage" * 9, b"\x1f", b"BZ", b"\xfd7zX"])
def test_what_follows_the_last_member_is_a_row(tmp_path: Path, suffix: str, rest: bytes) -> None:
    path = tmp_path / f"x.tar.{suffix}"
    path.write_bytes(COMPRESSED[suffix](tar_of(b"x")) + rest)
    listed = list_locally(f"archive:{path}")
    assert (listed.paths, listed.problems) == (["/blanks"], [("entry", "trailing_data")])
    assert len(fetch_locally(listed.files)) == 1


@pytest.mark.parametrize("where", range(3))
def test_skippable_frames_of_zstd_are_skipped(tmp_path: Path, where: int) -> None:
    parts = [*map(COMPRESSED["zst"], HALVES)]
    parts.insert(where, SKIPPABLE)
    (tmp_path / "x.tar.zst").write_bytes(b"".join(parts))
    assert list_locally(f"archive:{tmp_path}/x.tar.zst").paths == WHOLE


def test_skippable_frame_that_is_cut_off_is_truncated(tmp_path: Path) -> None:
    (tmp_path / "x.tar.zst").write_bytes(COMPRESSED["zst"](HALVES[0]) + SKIPPABLE[:-9])
    assert list_locally(f"archive:{tmp_path}/x.tar.zst").problems == [
        ("origin", "truncated_archive")
    ]


def test_lzma_of_before_xz(tmp_path: Path) -> None:
    data = lzma.compress(tar_of(b"x"), format=lzma.FORMAT_ALONE)
    (tmp_path / "x.tar.lzma").write_bytes(data)
    assert list_locally(f"archive:{tmp_path}/x.tar.lzma").paths == ["/blanks"]
