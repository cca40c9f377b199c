"""Many narrow rows in few binary values, so that a shuffle moves blocks and not rows.

Spark spends about a microsecond of CPU on every row that it shuffles, sorts or joins, however
narrow; NumPy spends a few nanoseconds on a number in an array. Rows that go to one partition
together are therefore packed: a packed row holds the partition and, per column, the values of many
rows one after the other, in the machine's byte order.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stackspark.runtime.buffers import Longs, text_buffers
from stackspark.runtime.compiled import compiled

Column = npt.NDArray[Any]

MAX_PACK_BYTES = 16 << 20
"""Bytes gathered before they are handed on; more make fuller rows where partitions are many."""

MAX_ROW_BYTES = 1 << 18
"""Bytes of a packed row. All rows of a hot partition in one would be 16 MB, and whatever holds a
hundred or a thousand rows at once (Parquet's writer and reader, the merge of a sort) gigabytes.
The JVM's collector takes an array of half a megabyte for a huge one, which it cannot move."""


class Packer:
    """Gathers rows by partition; hands out batches of one packed row per partition, or a few.

    A batch has the column `block` (int32, the partition) and one binary column per name.
    """

    def __init__(self, names: Sequence[str], num_blocks: int) -> None:
        self._names = ["block", *names]
        self._num_blocks = num_blocks
        self._pending: list[tuple[Longs, Sequence[Column]]] = []
        self._num_bytes = 0

    def add(self, blocks: Longs, columns: Sequence[Column]) -> Iterator[pa.RecordBatch]:
        """Add rows: their partitions, and per column an array of one value or row of bytes."""
        self._pending.append((blocks, columns))
        self._num_bytes += sum(column.nbytes for column in columns)
        if self._num_bytes >= MAX_PACK_BYTES:
            yield from self.flush()

    def flush(self) -> Iterator[pa.RecordBatch]:
        """Hand out the rest."""
        pending, self._pending, self._num_bytes = self._pending, [], 0
        blocks = np.concatenate([blocks for blocks, _ in pending] or [np.zeros(0, np.int64)])
        if not len(blocks):
            return
        counts = np.zeros(self._num_blocks, np.int64)
        order = np.empty(len(blocks), np.int64)
        _order_by_block(blocks, counts, order)
        columns = [
            np.concatenate(parts) for parts in zip(*(rows for _, rows in pending), strict=True)
        ]
        most = max(1, MAX_ROW_BYTES // sum(column.nbytes // len(column) for column in columns))
        used, sizes = _pieces(counts, most)
        arrays = [pa.array(used.astype(np.int32))]
        arrays += [_binary(column[order], sizes) for column in columns]
        yield pa.RecordBatch.from_arrays(arrays, self._names)


def packed_values(packed: pa.Array, dtype: type) -> Column:
    """The numbers of one packed column, those of all its rows one after the other."""
    data, offsets = text_buffers(packed)
    return np.frombuffer(data[offsets[0] : offsets[-1]].tobytes(), dtype)


def unpacked_rows(
    batches: Iterable[pa.RecordBatch], names: Sequence[str]
) -> Iterator[tuple[int, list[Longs]]]:
    """Block and columns of each packed row; a column that is null in a row is empty."""
    for batch in batches:
        blocks = batch.column("block").to_numpy()
        for row in range(batch.num_rows):
            values = [batch.column(name)[row : row + 1] for name in names]
            yield int(blocks[row]), [packed_values(value, np.int64) for value in values]


def band_partition(band_hashes: npt.NDArray[np.uint64], num_partitions: int) -> Longs:
    """Partition of each hash, by its upper bits; the lower ones place it in a hash table."""
    upper = band_hashes >> np.uint64(32)
    return (upper * np.uint64(num_partitions) >> np.uint64(32)).astype(np.int64)


def _pieces(counts: Longs, most: int) -> tuple[Longs, Longs]:
    """Partitions that have rows, each as often as `most` rows go into its, and their numbers."""
    used = np.flatnonzero(counts)
    num_pieces = -(-counts[used] // most)
    sizes = np.full(num_pieces.sum(), most, np.int64)
    sizes[np.cumsum(num_pieces) - 1] = counts[used] - (num_pieces - 1) * most
    return np.repeat(used, num_pieces), sizes


def _binary(rows: Column, counts: Longs) -> pa.Array:
    width = rows.nbytes // len(rows)
    offsets = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(counts * width, out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(rows)]
    return pa.Array.from_buffers(pa.binary(), len(counts), buffers)


@compiled
def _order_by_block(blocks: Longs, counts: Longs, order: Longs) -> None:
    """Counting sort: rows of each block per `counts`, and the order that brings them together."""
    for block in blocks:
        counts[block] += 1
    place = np.cumsum(counts) - counts
    for i in range(len(blocks)):
        order[place[blocks[i]]] = i
        place[blocks[i]] += 1
