"""Signatures by rank, read by tasks straight from the Parquet files of a ranked scratch table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np
import pyarrow.parquet as pq
from cachetools import LRUCache

from stackspark.duplicates.near.kernels.signatures import width_bytes
from stackspark.lake.scratch import RankedFile
from stackspark.runtime.buffers import Bytes, Longs, fixed_width_rows
from stackspark.runtime.storage.filesystems import located

CACHED_BYTES = 64 << 20


def _cache() -> LRUCache[tuple[int, int], Bytes]:
    return LRUCache(CACHED_BYTES, getsizeof=attrgetter("nbytes"))


@dataclass(kw_only=True)
class SignatureReader:
    """Reads the signatures of ranks; keeps the row groups read last, up to 64 MB.

    `num_perm` is the number of permutations that each signature holds.

    Shuffling signatures to the pairs that need them would cost far more than reading the row groups
    of one range of ranks where they lie. Pickles as its parameters, so each task has its own.
    """

    files: Sequence[RankedFile]
    num_perm: int
    _opened: dict[int, pq.ParquetFile] = field(default_factory=dict, repr=False)
    _groups: LRUCache[tuple[int, int], Bytes] = field(default_factory=_cache, repr=False)

    @property
    def width_bytes(self) -> int:
        """Bytes of a signature."""
        return width_bytes(self.num_perm)

    def of_ranks(self, ranks: Longs) -> Bytes:
        """Signatures of ranks in any order, shape (len(ranks), width_bytes); 0 where null."""
        rows = np.empty((len(ranks), self.width_bytes), np.uint8)
        order = np.argsort(ranks, kind="stable")
        done = 0
        while done < len(order):
            first_rank, group = self._group(int(ranks[order[done]]))
            limit = first_rank + len(group)
            count = int(np.searchsorted(ranks[order[done:]], limit))
            chosen = order[done : done + count]
            rows[chosen] = group[ranks[chosen] - first_rank]
            done += count
        return rows

    def _group(self, rank: int) -> tuple[int, Bytes]:
        """First rank and signatures of the row group that holds a rank."""
        starts = [file.first_rank for file in self.files]
        number = int(np.searchsorted(starts, rank, side="right")) - 1
        file = self._open(number)
        first_rank = starts[number]
        for index in range(file.num_row_groups):
            num_rows = file.metadata.row_group(index).num_rows
            if rank < first_rank + num_rows:
                return first_rank, self._signatures(number, index)
            first_rank += num_rows
        raise IndexError(f"rank {rank} is beyond {self.files[number].path}")

    def _open(self, number: int) -> pq.ParquetFile:
        if number not in self._opened:
            filesystem, path = located(self.files[number].path)
            self._opened = {number: pq.ParquetFile(filesystem.open_input_file(path))}
        return self._opened[number]

    def _signatures(self, number: int, index: int) -> Bytes:
        key = (number, index)
        if key in self._groups:
            return self._groups[key]
        column = self._open(number).read_row_group(index, columns=["signature"])["signature"]
        rows = [fixed_width_rows(chunk, self.width_bytes) for chunk in column.chunks]
        group = np.concatenate(rows)
        if group.nbytes <= self._groups.maxsize:
            self._groups[key] = group
        return group
