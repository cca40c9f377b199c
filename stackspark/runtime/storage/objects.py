"""Small objects of a lake that are written on a condition: its format marker and its lock."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stackspark.errors import LakeError, SetupError
from stackspark.runtime.storage.s3 import is_s3


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """Bytes of an object, and the tag that changes whenever they do."""

    data: bytes
    tag: str


class ObjectFolder(Protocol):
    """Named objects below one root, with writes that fail where another writer was quicker."""

    def read(self, name: str) -> StoredObject | None:
        """Return an object, or None if there is none of that name."""

    def create(self, name: str, data: bytes) -> bool:
        """Write a new object; False, and nothing written, if the name is taken."""

    def replace(self, name: str, data: bytes, tag: str) -> bool:
        """Overwrite the object that has `tag`; False, and nothing written, if it changed."""

    def delete(self, name: str, tag: str) -> bool:
        """Delete the object that has `tag`; False, and nothing deleted, if it changed."""


def object_folder(root: str) -> ObjectFolder:
    """Return the folder of objects below a lake's root.

    Raises:
        SetupError: for a root of a kind that has no conditional writes here.
    """
    if is_s3(root):
        from stackspark.runtime.storage.s3_objects import S3Folder  # noqa: PLC0415 - imports botocore

        return S3Folder(root)
    if "://" in root:
        raise SetupError(
            f"a lake needs a local folder or s3a://BUCKET/PREFIX; {root} is neither; name one"
        )
    return LocalFolder(Path(root))


class LocalFolder:
    """Files; every write happens under a guard file that this machine's processes share."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> StoredObject | None:
        """Return a file, or None if there is none of that name."""
        try:
            data = (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LakeError(f"{self._root / name} cannot be read: {error.strerror}") from error
        return StoredObject(data=data, tag=hashlib.sha256(data).hexdigest())

    def create(self, name: str, data: bytes) -> bool:
        """Write a new file; False if it exists. None is ever seen that is not complete."""
        path = self._root / name
        _make_folder(path.parent)
        with _guarded(path), _staged(path, data) as staged:
            try:
                os.link(staged, path)
            except FileExistsError:
                return False
            except OSError:
                return _created_without_links(staged, path)
        return True

    def replace(self, name: str, data: bytes, tag: str) -> bool:
        """Overwrite a file whose bytes still have `tag`."""
        path = self._root / name
        with _guarded(path):
            if not self._has_tag(name, tag):
                return False
            with _staged(path, data) as staged:
                staged.replace(path)
        return True

    def delete(self, name: str, tag: str) -> bool:
        """Delete a file whose bytes still have `tag`."""
        with _guarded(self._root / name):
            if not self._has_tag(name, tag):
                return False
            (self._root / name).unlink()
        return True

    def _has_tag(self, name: str, tag: str) -> bool:
        found = self.read(name)
        return found is not None and found.tag == tag


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LakeError(
            f"the lake needs a folder that can be written; {folder} cannot be made: "
            f"{error.strerror}"
        ) from error


@contextmanager
def _staged(path: Path, data: bytes) -> Iterator[Path]:
    """A complete file beside `path`, to be put in its place; gone when the block ends."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    staged = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # A temporary file is its owner's alone; a lake's readers may be others.
        staged.chmod(0o644)
        yield staged
    finally:
        staged.unlink(missing_ok=True)


def _created_without_links(staged: Path, path: Path) -> bool:
    """The same on a file system that has no links, by the guard alone."""
    if path.exists():
        return False
    staged.replace(path)
    return True


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    """Let one process at a time compare and write; the system frees the guard of a dead one."""
    with path.with_name(f".{path.name}.guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield
