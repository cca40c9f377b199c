"""Files of a lake, local or in an object store, through one kind of file system."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from pyarrow import fs

from stackspark.errors import UsageError
from stackspark.runtime.storage.s3 import S3Endpoint, is_s3, public_buckets, s3_endpoint, s3_place

STAGING_SUFFIX = ".tmp"
COPY_BYTES = 8 << 20
MAX_ATTEMPTS = 10
CONNECT_SECONDS = 10
REQUEST_SECONDS = 60


def located(path: str) -> tuple[fs.FileSystem, str]:
    """File system of a path, and the path in it.

    Args:
        path: a local path, ``file:///...`` or ``s3a://BUCKET/KEY``, nothing of it escaped.

    Raises:
        UsageError: for a path of another kind.
    """
    if is_s3(path):
        bucket, key = s3_place(path)
        filesystem = _s3_filesystem(s3_endpoint(), anonymous=bucket in public_buckets())
        return filesystem, f"{bucket}/{key}".rstrip("/")
    if path.startswith("file:"):
        path = "/" + path.removeprefix("file:").lstrip("/")
    if "://" in path:
        raise UsageError(f"needed a local path or s3a://BUCKET/PREFIX, found {path}")
    return fs.LocalFileSystem(), str(Path(path).absolute())


def joined(folder: str, *names: str) -> str:
    """Path of what lies below a folder."""
    return "/".join([folder.rstrip("/"), *names])


def exists(path: str) -> bool:
    """Whether there is a file, or anything below a folder."""
    filesystem, place = located(path)
    return bool(filesystem.get_file_info(place).type != fs.FileType.NotFound)


def file_names(folder: str) -> list[str]:
    """Names of the files in a folder, in order; none if there is no such folder."""
    filesystem, place = located(folder)
    found = filesystem.get_file_info(fs.FileSelector(place, allow_not_found=True))
    return sorted(file.base_name for file in found if file.type == fs.FileType.File)


def file_sizes(folder: str) -> dict[str, int]:
    """Length of each file in a folder, by name."""
    filesystem, place = located(folder)
    found = filesystem.get_file_info(fs.FileSelector(place, allow_not_found=True))
    return {file.base_name: file.size for file in found if file.type == fs.FileType.File}


def files_at(path: str) -> list[fs.FileInfo]:
    """The file at a path, or all files below the folder there; none if nothing is there."""
    filesystem, place = located(path)
    found = filesystem.get_file_info(place)
    below = fs.FileSelector(place, recursive=True, allow_not_found=True)
    files = [found] if found.is_file else filesystem.get_file_info(below)
    return [file for file in files if file.is_file]


def file_stamps(path: str) -> list[tuple[str, int, int]]:
    """Name, length and time of last change (ns) of a file, or of all files below a folder."""
    place = located(path)[1]
    return sorted((file.path[len(place) :], file.size, file.mtime_ns) for file in files_at(path))


def folder_names(folder: str) -> list[str]:
    """Names of the folders in a folder, in order; none if there is no such folder."""
    filesystem, place = located(folder)
    found = filesystem.get_file_info(fs.FileSelector(place, allow_not_found=True))
    return sorted(file.base_name for file in found if file.type == fs.FileType.Directory)


def remove_files(folder: str, names: Iterable[str]) -> None:
    """Delete files of a folder."""
    filesystem, place = located(folder)
    for name in names:
        filesystem.delete_file(f"{place}/{name}")


def remove_folder(folder: str) -> None:
    """Delete a folder and all below it, if it is there."""
    filesystem, place = located(folder)
    if filesystem.get_file_info(place).type != fs.FileType.NotFound:
        filesystem.delete_dir(place)


def make_folder(folder: str) -> None:
    """Make a folder; an object store has none and needs none."""
    if not is_s3(folder):
        filesystem, place = located(folder)
        filesystem.create_dir(place)


def stored_text(path: str) -> str | None:
    """Text of a small file, or None if there is none."""
    filesystem, place = located(path)
    if filesystem.get_file_info(place).type != fs.FileType.File:
        return None
    with filesystem.open_input_stream(place) as file:
        return bytes(file.read()).decode()


def store_text(path: str, text: str) -> str:
    """Write a small file so that readers see all of it or what was there before."""
    staged = staging_path(path)
    with staged.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    publish_file(staged, path)
    return path


def staging_path(path: str) -> Path:
    """Where to write a file that is to appear under its name only when it is complete.

    Beside a local one, so that it can be renamed; in the temp folder for an object store, which
    would show a file whose writer failed as if it were complete.
    """
    folder, _, name = path.rpartition("/")
    staged = f".{name}.{uuid.uuid4().hex}{STAGING_SUFFIX}"
    return Path(tempfile.gettempdir() if is_s3(path) else folder, staged)


def publish_file(staged: Path, path: str) -> None:
    """Put a complete file under its name, in place of what may be there.

    Raises:
        OSError: if it did not arrive as long as it is.
    """
    if not is_s3(path):
        staged.replace(path)
        return
    filesystem, place = located(path)
    size = staged.stat().st_size
    with staged.open("rb") as source, filesystem.open_output_stream(place) as target:
        shutil.copyfileobj(source, target, COPY_BYTES)
    staged.unlink()
    arrived = filesystem.get_file_info(place).size
    if arrived != size:
        raise OSError(f"{path} has {arrived} bytes of {size}; run again")


@cache
def _s3_filesystem(endpoint: S3Endpoint, *, anonymous: bool) -> fs.FileSystem:
    """One client and its connections per process, and one for what is public."""
    return fs.S3FileSystem(
        anonymous=anonymous,
        endpoint_override=endpoint.host,
        scheme=endpoint.scheme,
        region=endpoint.region,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=REQUEST_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=MAX_ATTEMPTS),
    )
