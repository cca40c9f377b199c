"""Objects of a git repository: loose files, packs and alternates, read within limits.

Sizes come from headers alone, so that listing a tree does not inflate its blobs; an object is
checked against its id when it is read.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cachetools import LRUCache

from stackspark.sources.base.entries import SourceFault
from stackspark.sources.git.packs import Loose, Pack, apply_delta, broken_object, result_size
from stackspark.swhid import git_object_id

OBJECT_TYPES = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
MAX_CHAIN = 4096
MAX_ALTERNATES = 32
CACHE_BYTES = 64 * 1024 * 1024


class GitObjects:
    """The objects of a repository: its own loose files and packs, and those of its alternates."""

    def __init__(self, objects: Path, max_bytes: int) -> None:
        """Open the folder `objects`; no object of more than `max_bytes` is held in memory."""
        self._folders = _with_alternates(objects)
        self._packs = [Pack(path) for folder in self._folders for path in _pack_paths(folder)]
        self._max_bytes = max_bytes
        self._bases: LRUCache[tuple[Path, int], tuple[str, bytes]] = LRUCache(
            CACHE_BYTES, getsizeof=lambda kept: len(kept[1])
        )

    def close(self) -> None:
        """Unmap all packs."""
        for pack in self._packs:
            pack.close()

    def matches(self, prefix: str) -> set[str]:
        """Return the ids that begin with some hex digits, at least two."""
        found: set[str] = set()
        for folder in self._folders:
            loose = (folder / prefix[:2]).glob(prefix[2:] + "*")
            found.update(prefix[:2] + path.name for path in loose if len(path.name) == 38)
        return found.union(*(pack.ids(prefix) for pack in self._packs))

    def size(self, object_id: str) -> tuple[int, int]:
        """Return an object's length and its offset in a pack (0 for a loose file).

        Raises:
            SourceFault: broken_git_object, if it is missing or its header is broken.
        """
        with _faults(object_id):
            place = self._find(object_id)
            if isinstance(place, Path):
                return Loose(place).size, 0
            pack, offset = place
            entry = pack.entry(offset)
            return (entry.size if entry.base is None else result_size(pack, entry)), offset

    def kind(self, object_id: str) -> str:
        """Return an object's type: commit, tree, blob or tag.

        Raises:
            SourceFault: broken_git_object, if it is missing or its header is broken.
        """
        with _faults(object_id):
            place = self._find(object_id)
            if isinstance(place, Path):
                return Loose(place).kind
            pack, offset = place
            entry = pack.entry(offset)
            for _ in range(MAX_CHAIN):
                if entry.base is None:
                    return OBJECT_TYPES[entry.kind]
                entry = pack.entry(_base_offset(pack, entry.base))
            raise broken_object("its chain of differences does not end")

    def read(self, object_id: str) -> tuple[str, bytes]:
        """Read an object's type and bytes, and check them against its id.

        Raises:
            SourceFault: broken_git_object, if it is missing, corrupt or too large to be held.
        """
        with _faults(object_id):
            kind, data = self._read(object_id)
            if git_object_id(kind, data) != object_id:
                raise broken_object("its bytes do not have this id")
            return kind, data

    def chunks(self, object_id: str) -> Iterator[bytes]:
        """Yield a blob's bytes, unchecked; only a delta's result is held whole."""
        with _faults(object_id):
            place = self._find(object_id)
            if isinstance(place, Path):
                yield from Loose(place).chunks()
                return
            pack, offset = place
            entry = pack.entry(offset)
            if entry.base is None:
                yield from pack.inflate(entry)
            else:
                yield self._resolve(pack, offset)[1]

    def _find(self, object_id: str) -> Path | tuple[Pack, int]:
        for number, pack in enumerate(self._packs):
            offset = pack.offset(object_id)
            if offset is not None:
                # The next object most likely lies in the same pack.
                self._packs.insert(0, self._packs.pop(number))
                return pack, offset
        for folder in self._folders:
            path = folder / object_id[:2] / object_id[2:]
            if path.is_file():
                return path
        message = "it is missing; is the clone shallow or partial?"
        raise SourceFault("missing_git_object", message)

    def _read(self, object_id: str) -> tuple[str, bytes]:
        place = self._find(object_id)
        if not isinstance(place, Path):
            return self._resolve(*place)
        loose = Loose(place)
        self._check_size(loose.size)
        return loose.kind, b"".join(loose.chunks())

    def _resolve(self, pack: Pack, offset: int) -> tuple[str, bytes]:
        """Follow a chain of deltas to a whole object, then apply them on the way back."""
        deltas: list[tuple[int, bytes]] = []
        while (found := self._bases.get((pack.path, offset))) is None:
            entry = pack.entry(offset)
            self._check_size(entry.size)
            data = b"".join(pack.inflate(entry))
            if entry.base is None:
                found = OBJECT_TYPES[entry.kind], data
                self._keep(pack, offset, found)
                break
            deltas.append((offset, data))
            if len(deltas) > MAX_CHAIN:
                raise broken_object("its chain of differences does not end")
            offset = _base_offset(pack, entry.base)
        kind, data = found
        for at, delta in reversed(deltas):
            data = apply_delta(data, delta, self._max_bytes)
            self._keep(pack, at, (kind, data))
        return kind, data

    def _keep(self, pack: Pack, offset: int, found: tuple[str, bytes]) -> None:
        """Cache a base for the next deltas, unless it would evict many others."""
        if len(found[1]) <= CACHE_BYTES // 8:
            self._bases[pack.path, offset] = found

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise broken_object(f"it claims {size} bytes; {self._max_bytes} can be held")


def _base_offset(pack: Pack, base: int | bytes) -> int:
    offset = pack.offset(base.hex()) if isinstance(base, bytes) else base
    if offset is None or offset < 0:
        raise broken_object("the base of a difference is missing")
    return offset


def _with_alternates(objects: Path) -> list[Path]:
    """Return the objects folder and its alternates, each once."""
    folders = [objects]
    for folder in folders:
        listed = folder / "info" / "alternates"
        lines = listed.read_bytes().splitlines() if listed.is_file() else []
        for line in lines:
            other = (folder / os.fsdecode(line)).resolve()
            if line and not line.startswith(b"#") and other not in folders:
                folders.append(other)
            if len(folders) > MAX_ALTERNATES:
                raise broken_object(
                    f"{objects} borrows from more than {MAX_ALTERNATES} repositories"
                )
    return folders


def _pack_paths(folder: Path) -> list[Path]:
    paths = sorted((folder / "pack").glob("*.pack"))
    return [path for path in paths if path.with_suffix(".idx").is_file()]


@contextmanager
def _faults(object_id: str) -> Iterator[None]:
    """Turn any error of a broken file into one fault that names the object."""
    try:
        yield
    except SourceFault as fault:
        raise SourceFault(fault.error_class, f"object {object_id}: {fault.message}") from fault
    except Exception as error:
        # Hostile bytes lead dulwich and zlib to errors of many classes.
        raise broken_object(f"object {object_id}: {error!r}") from error
