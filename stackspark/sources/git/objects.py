"""Objects of a git repository: loose files, packs and alternates, read within limits.

Sizes come from headers alone, so that listing a tree does not inflate its blobs; an object is
checked against its id when it is read.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from cachetools import LRUCache
from dulwich.midx import MultiPackIndex, load_midx

from stackspark.sources.base.entries import SourceFault
from stackspark.sources.git.packs import Loose, Pack, apply_delta, broken_object, result_size
from stackspark.swhid import git_object_id

OBJECT_TYPES = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
MAX_CHAIN = 4096
MAX_ALTERNATES = 32
CACHE_BYTES = 64 * 1024 * 1024
MAX_NAMED = 3
"""Broken packs that a message names."""

Place = Path | tuple[Pack, int]
"""A loose file, or a pack and the offset in it."""

Answer = TypeVar("Answer")


class GitObjects:
    """The objects of a repository: its own loose files and packs, and those of its alternates."""

    def __init__(self, objects: Path, max_bytes: int) -> None:
        """Open the folder `objects`; no object of more than `max_bytes` is held in memory."""
        self._folders = _with_alternates(objects)
        self._broken: list[Path] = []
        self._packs = [pack for folder in self._folders for pack in self._opened(folder)]
        self._max_bytes = max_bytes
        self._bases: LRUCache[tuple[Path, int], tuple[str, bytes]] = LRUCache(
            CACHE_BYTES, getsizeof=lambda kept: len(kept[1])
        )

    def close(self) -> None:
        """Unmap all packs."""
        for pack in self._packs:
            pack.close()

    def _opened(self, folder: Path) -> Iterator[Pack]:
        """The packs of a folder; one that cannot be opened does not cost what the others have."""
        shared = _multi_pack_index(folder)
        for path in sorted((folder / "pack").glob("*.pack")):
            try:
                yield Pack(path, shared)
            except Exception:
                # Hostile bytes lead dulwich to errors of many classes; junk is no pack at all.
                self._broken.append(path)

    def matches(self, prefix: str) -> set[str]:
        """Return the ids that begin with some hex digits, at least two."""
        found: set[str] = set()
        for folder in self._folders:
            loose = (folder / prefix[:2]).glob(prefix[2:] + "*")
            found.update(prefix[:2] + path.name for path in loose if len(path.name) == 38)
        return found.union(*(ids for pack in list(self._packs) if (ids := self._ids(pack, prefix))))

    def _ids(self, pack: Pack, prefix: str) -> set[str]:
        try:
            return pack.ids(prefix)
        except Exception:
            self._give_up(pack)
            return set()

    def size(self, object_id: str) -> tuple[int, int]:
        """Return an object's length and its offset in a pack (0 for a loose file).

        Raises:
            SourceFault: broken_git_object, if it is missing or its header is broken.
        """
        return self._first(object_id, self._size)

    def kind(self, object_id: str) -> str:
        """Return an object's type: commit, tree, blob or tag.

        Raises:
            SourceFault: broken_git_object, if it is missing or its header is broken.
        """
        return self._first(object_id, _kind)

    def read(self, object_id: str) -> tuple[str, bytes]:
        """Read an object's type and bytes, and check them against its id.

        Raises:
            SourceFault: broken_git_object, if it is missing, corrupt or too large to be held.
        """

        def checked(place: Place) -> tuple[str, bytes]:
            kind, data = self._read(place)
            if git_object_id(kind, data) != object_id:
                raise broken_object("its bytes do not have this id")
            return kind, data

        return self._first(object_id, checked)

    def chunks(self, object_id: str) -> Iterator[bytes]:
        """Yield a blob's bytes, unchecked; only a delta's result is held whole."""
        with _faults(object_id):
            places = self._places(object_id)
            place = next(places)
            is_one = next(places, None) is None
            if not is_one and self._size(place)[0] <= self._max_bytes:
                # One of several copies may be broken: only a checked one is handed out.
                yield self.read(object_id)[1]
            elif isinstance(place, Path):
                yield from Loose(place).chunks()
            else:
                pack, offset = place
                entry = pack.entry(offset)
                if entry.base is None:
                    yield from pack.inflate(entry)
                else:
                    yield self._resolve(pack, offset)[1]

    def _first(self, object_id: str, read: Callable[[Place], Answer]) -> Answer:
        """What is read of the first whole copy of an object; else the fault of the first one."""
        faults: list[SourceFault] = []
        with _faults(object_id):
            for place in self._places(object_id):
                try:
                    with _faults(object_id):
                        return read(place)
                except SourceFault as fault:
                    faults.append(fault)
        raise faults[0]

    def _places(self, object_id: str) -> Iterator[Place]:
        """Every copy of an object, at least one."""
        found = False
        for pack in list(self._packs):
            try:
                offset = pack.offset(object_id)
            except Exception:
                self._give_up(pack)
                continue
            if offset is not None:
                found = True
                # The next object most likely lies in the same pack.
                self._packs.remove(pack)
                self._packs.insert(0, pack)
                yield pack, offset
        for folder in self._folders:
            path = folder / object_id[:2] / object_id[2:]
            if path.is_file():
                found = True
                yield path
        if not found:
            raise SourceFault("missing_git_object", f"it is missing; {self._why_missing()}")

    def _why_missing(self) -> str:
        if self._broken:
            names = ", ".join(path.name for path in self._broken[:MAX_NAMED])
            return f"these packs cannot be read: {names}"
        if (self._folders[0].parent / "shallow").is_file():
            return "the clone is shallow"
        if any(path for folder in self._folders for path in (folder / "pack").glob("*.promisor")):
            return "the clone is partial: its origin has the rest"
        return "no pack and no loose file has it"

    def _give_up(self, pack: Pack) -> None:
        """Go on without a pack whose index is broken."""
        self._packs.remove(pack)
        self._broken.append(pack.path)

    def _size(self, place: Place) -> tuple[int, int]:
        if isinstance(place, Path):
            return Loose(place).size, 0
        pack, offset = place
        entry = pack.entry(offset)
        return (entry.size if entry.base is None else result_size(pack, entry)), offset

    def _read(self, place: Place) -> tuple[str, bytes]:
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


def _kind(place: Place) -> str:
    if isinstance(place, Path):
        return Loose(place).kind
    pack, offset = place
    entry = pack.entry(offset)
    for _ in range(MAX_CHAIN):
        if entry.base is None:
            return OBJECT_TYPES[entry.kind]
        entry = pack.entry(_base_offset(pack, entry.base))
    raise broken_object("its chain of differences does not end")


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


def _multi_pack_index(folder: Path) -> MultiPackIndex | None:
    path = folder / "pack" / "multi-pack-index"
    try:
        return load_midx(path) if path.is_file() else None
    except Exception:
        # The packs' own indexes say the same.
        return None


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
