"""Packages whose files lie in archives within them, and archives that are no such packages."""

import gzip
import lzma
from pathlib import Path

import pytest
import zstandard
from archive_fixtures import BLANKS, tar_of_files, zip_of
from source_fixtures import fetch_locally, list_locally

from stackspark.sources.base.limits import Limits

FILES = {"lib/a.rb": b"puts 1\n", "lib/b.py": b"x = 1\n"}
DATA = tar_of_files(FILES)
ZSTD = zstandard.ZstdCompressor()


def ar(files: dict[str, bytes]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, data in files.items():
        parts += [b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name.encode(), 0, 0, 0, 0o644, len(data))]
        parts += [data, b"\n" * (len(data) % 2)]
    return b"".join(parts)


def gem(data: bytes = DATA) -> bytes:
    return tar_of_files(
        {"metadata.gz": gzip.compress(b"--- !ruby"), "data.tar.gz": gzip.compress(data),
         "checksums.yaml.gz": gzip.compress(b"---")}
    )  # fmt: skip


def deb(name: str, data: bytes) -> bytes:
    control = gzip.compress(tar_of_files({"control": b"Package: x\n"}))
    return ar({"debian-binary": b"2.0\n", "control.tar.gz": control, name: data})


CONDA = {
    "metadata.json": b"{}",
    "pkg-x-1-0.tar.zst": ZSTD.compress(DATA),
    "info-x-1-0.tar.zst": ZSTD.compress(tar_of_files({"info/index.json": b"{}"})),
}
PACKAGES = {
    "gem": (gem(), []),
    "conda": (zip_of(CONDA), ["/info/index.json"]),
    "deb.xz": (deb("data.tar.xz", lzma.compress(DATA)), []),
    "deb.zst": (deb("data.tar.zst", ZSTD.compress(DATA)), []),
    "deb": (deb("data.tar/", DATA), []),
}


@pytest.mark.parametrize("name", PACKAGES)
def test_files_of_a_package_are_those_of_the_archives_within(tmp_path: Path, name: str) -> None:
    data, others = PACKAGES[name]
    (tmp_path / name).write_bytes(data)
    listed = list_locally(f"archive:{tmp_path}/{name}")
    assert (listed.paths, listed.problems) == ([*others, "/lib/a.rb", "/lib/b.py"], [])
    texts = {row["content"] for row in fetch_locally(listed.files).values()}
    assert texts >= {"puts 1\n", "x = 1\n"}


def test_bomb_within_a_package_discards_it(tmp_path: Path) -> None:
    (tmp_path / "x.gem").write_bytes(gem(tar_of_files({"blanks": BLANKS})))
    limits = Limits(max_ratio=20, ratio_floor_bytes=1_000_000)
    assert list_locally(f"archive:{tmp_path}/x.gem", limits).problems == [("origin", "zip_bomb")]


def test_archive_with_more_than_a_package_has_is_none(tmp_path: Path) -> None:
    data = tar_of_files({"data.tar.gz": gzip.compress(DATA), "README": b"x"})
    (tmp_path / "x.tar").write_bytes(data)
    assert list_locally(f"archive:{tmp_path}/x.tar").paths == ["/README", "/data.tar.gz"]
    (tmp_path / "y.tar").write_bytes(tar_of_files({"metadata.gz": gzip.compress(b"x")}))
    assert list_locally(f"archive:{tmp_path}/y.tar").paths == ["/metadata.gz"]


@pytest.mark.parametrize("cut", [9, 40, 70, 130, -600])
def test_package_of_debian_that_is_cut_off(tmp_path: Path, cut: int) -> None:
    (tmp_path / "x.deb").write_bytes(deb("data.tar", DATA)[:cut])
    listed = list_locally(f"archive:{tmp_path}/x.deb")
    assert listed.files == []
    ((grain, _),) = listed.problems
    assert grain == "origin"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (ar({"a.o/": b"\x7fELF"}), "an ar archive, and no package of Debian"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"\x1f\x9d\x90", r"compressed by compress \(.Z\)"),
        (b"070701", "a cpio archive"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, head: bytes, words: str) -> None:
    (tmp_path / "x").write_bytes(head + bytes(600))
    listed = list_locally(f"archive:{tmp_path}/x")
    assert listed.problems == [("origin", "unsupported_archive")]
    assert words.replace("\\", "") in listed.quarantine[0]["message"]
