"""Builders of small archives, and their listing without Spark."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import zstandard
from source_fixtures import Listed, list_locally

from stackspark.sources.base.limits import Limits


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


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


BLANKS = bytes(3_000_000)


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


def tar_of(data: bytes) -> bytes:
    return tar_of_files({"blanks": data})


def tar_of_files(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            add_file(tar, name, data)
    return buffer.getvalue()
