"""Compressed streams stop at their limits and check their sums."""

import gzip
import os
from pathlib import Path

import pytest
from archive_fixtures import BLANKS, COMPRESSED, tar_of
from source_fixtures import list_locally

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
