"""Damaged sources of every kind: whatever the bytes, listing and fetching give rows, not errors."""

import gzip
import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_fixtures import Listed, commit, fetch_locally, git, list_locally, make_repository

from stackspark.sources.base.limits import Limits

LIMITS = Limits(max_total_bytes=1_000_000, max_member_bytes=1_000_000)


damages = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=6)), max_size=4
)


def damaged(data: bytes, damage: list[tuple[float, bytes]], cut: float) -> bytes:
    result = bytearray(data)
    for place, patch in damage:
        at = int(place * len(result))
        result[at : at + len(patch)] = patch
    return bytes(result[: int(cut * len(result)) + 1])


METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


MEMBERS = (("é" * 60, tarfile.REGTYPE), ("b", tarfile.REGTYPE), ("l", tarfile.SYMTYPE))


def small_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for method in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
            zipfile.ZIP_BZIP2,
            zipfile.ZIP_LZMA,
        ):
            archive.writestr(f"folder/{method}.txt", "text\n" * 20, method)
    return buffer.getvalue()


def small_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind in (
            ("é" * 60, tarfile.REGTYPE),
            ("b", tarfile.REGTYPE),
            ("l", tarfile.SYMTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "b" if kind == tarfile.SYMTYPE else ""
            info.size = 5 if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b"text\n"))
    return buffer.getvalue()


ARCHIVES = {"zip": small_zip(), "tar": small_tar(), "tgz": gzip.compress(small_tar())}


def check(listed: Listed) -> None:
    """A container ends as an origin or as a problem of its own, and each file has its row."""
    assert len(listed.origins) + [grain for grain, _ in listed.problems].count("origin") == 1
    rows = fetch_locally(listed.files, limits=LIMITS)
    assert set(rows) == {file["content_id"] for file in listed.files}
    for row in rows.values():
        assert (row["message"] is None) == (row["status"] not in ("missing", "corrupt"))


@pytest.mark.parametrize("kind", sorted(ARCHIVES))
@given(damage=damages, cut=st.floats(0, 1))
@settings(max_examples=120, deadline=None)
def test_damaged_archive(kind: str, damage: list[tuple[float, bytes]], cut: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x.{kind}"
        path.write_bytes(damaged(ARCHIVES[kind], damage, max(cut, 0.2)))
        check(list_locally(f"archive:{path}", LIMITS))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_repository(tmp_path_factory.mktemp("git") / "r", {"a": "a\n", "b/c": "c\n" * 90})
    for number in range(4):
        commit(folder, {"b/c": "c\n" * 90 + f"{number}\n"})
    git(folder, "tag", "-a", "v1", "-m", "one")
    git(folder, "gc", "-q", "--aggressive")
    git(folder, "pack-refs", "--all")
    return folder


FILES = ("HEAD", "packed-refs", "objects/pack/*.pack", "objects/pack/*.idx")


@pytest.mark.parametrize("name", FILES)
@given(damage=damages, cut=st.floats(0, 1))
@settings(max_examples=80, deadline=None)
def test_damaged_repository(
    repository: Path, name: str, damage: list[tuple[float, bytes]], cut: float
) -> None:
    (path,) = (repository / ".git").glob(name)
    path.chmod(0o644)
    data = path.read_bytes()
    try:
        path.write_bytes(damaged(data, damage, cut)[: int(cut * len(data))])
        check(list_locally(f"git:{repository}", LIMITS))
    finally:
        path.write_bytes(data)
