"""Packed tables: their layouts, and which task gets which rows; see `kernels/packing.py`.

`block` is the partition of a band hash or text hash, or the block of a rank.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.kernels.packing import Column, Packer
from stackspark.runtime.buffers import Longs

BANDS = "block int, band_hashes binary, ranks binary"
"""Bands of blobs, by the partition of the band hash."""

TEXTS = "block int, hashes binary, ranks binary"
"""Hashes of normalised texts, 16 bytes each, by the partition of the hash."""

EDGES = "block int, band_hashes binary, members binary, heads binary"
"""Members of buckets with their heads, one or more each, -1 in the places that are left, by the
block of the member's rank."""

PAIRS = "block int, members binary, heads binary"
"""Pairs of blobs, by the block of the member's rank."""

SIGNED_PAIRS = "block int, members binary, heads binary, signatures binary"
"""Pairs with the members' signatures, by the block of the head's rank."""

LINKS = "block int, nodes binary, neighbours binary"
"""Links between blobs, each from both its ends, by the block of the node's rank."""

PAIR_COLUMNS = ("block", "members", "heads")

Part = tuple[Longs, Sequence[Column]]
"""Blocks of some rows, and an array per column."""


@dataclass(frozen=True, kw_only=True)
class BlockParams:
    """Partitions of a shuffle, and the blocks of `ranks_per_block` ranks that it moves."""

    num_tasks: int
    num_blocks: int
    ranks_per_block: int


def columns_of(layout: str) -> list[str]:
    """Names of the binary columns of a layout."""
    return [column.split()[0] for column in layout.split(", ")[1:]]


def pack_rows(
    rows: DataFrame,
    layout: str,
    num_blocks: int,
    parts_of: Callable[[Iterable[pa.RecordBatch]], Iterator[Part]],
) -> DataFrame:
    """Pack the rows that each task makes of its batches.

    Args:
        rows: any table.
        layout: of the result.
        num_blocks: blocks are below this number.
        parts_of: rows of the result, from the batches of a task.

    Returns:
        A table of the layout.
    Shuffles: none.
    """

    def pack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        packer = Packer(columns_of(layout), num_blocks)
        for blocks, columns in parts_of(batches):
            yield from packer.add(blocks, columns)
        yield from packer.flush()

    return rows.mapInArrow(pack, layout)


def pack_pairs(pairs: DataFrame, params: BlockParams) -> DataFrame:
    """Pack pairs of ranks (`member`, `head`, one pair a row) into the layout `PAIRS`."""

    def parts_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Part]:
        for batch in batches:
            members, heads = (batch.column(name).to_numpy() for name in ("member", "head"))
            yield members // params.ranks_per_block, [members, heads]

    return pack_rows(pairs.select("member", "head"), PAIRS, params.num_blocks, parts_of)


def by_block(packed: DataFrame, num_tasks: int, *order: SparkColumn) -> DataFrame:
    """Bring the rows of each block to one task, block after block, and within one by `order`.

    Shuffles: one, on the block.
    """
    shared = packed.repartitionById(num_tasks, F.col("block") % num_tasks)
    return shared.sortWithinPartitions("block", *order)
