"""Drop the heads of all buckets and their removed members, and list what is left.

Output: packed rows of (band hash, rank) by partition of the band hash, as `list_bands` gives them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.kernels.buckets import NO_HEAD
from stackspark.duplicates.near.kernels.packing import (
    PACKED_BANDS,
    Packer,
    band_partition,
    columns_of,
    packed_values,
)


@dataclass(frozen=True, kw_only=True)
class PeelBucketsParams:
    """Partitions of the band hashes and of the shuffle, and blocks of `ranks_per_block` ranks."""

    num_partitions: int
    num_tasks: int
    ranks_per_block: int


def peel_buckets(edges: DataFrame, removed: DataFrame, params: PeelBucketsParams) -> DataFrame:
    """List the surviving members of the buckets, heads aside.

    The members that remain found no twin in their bucket's head; among each other they were never
    compared. Each peeling takes the heads off each bucket, so buckets shrink round by round.

    Args:
        edges: (`block`, `band_hashes`, `members`, `heads`) of the round before, packed by block.
        removed: (`block`, `members`) of removed blobs, packed by block.
        params: partitions and blocks.

    Returns:
        (`block`, `band_hashes`, `ranks`), packed; `block` is the partition of the band hash.
    Shuffles: one, on the block of the member, 16 bytes per edge.
    """
    nothing = F.lit(None).cast("binary")
    gone = removed.select("block", nothing.alias("band_hashes"), "members", nothing.alias("heads"))
    both = edges.select("block", "band_hashes", "members", "heads").union(gone)
    by_block = both.repartitionById(params.num_tasks, F.col("block") % params.num_tasks)
    # Nulls first: the removed blobs of a block come before its edges.
    ordered = by_block.sortWithinPartitions("block", F.col("band_hashes").isNotNull())
    return ordered.mapInArrow(_peeler(params), PACKED_BANDS)


def _peeler(
    params: PeelBucketsParams,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def peel(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        packer = Packer(columns_of(PACKED_BANDS), params.num_partitions)
        block, is_gone = -1, np.zeros(params.ranks_per_block, np.bool_)
        for batch in batches:
            for row in range(batch.num_rows):
                if batch.column("block")[row].as_py() != block:
                    block = batch.column("block")[row].as_py()
                    is_gone[:] = False
                ranks = packed_values(batch.column("members")[row : row + 1], np.int64)
                places = ranks - block * params.ranks_per_block
                if not batch.column("band_hashes")[row].is_valid:
                    is_gone[places] = True
                    continue
                hashes = packed_values(batch.column("band_hashes")[row : row + 1], np.uint64)
                heads = packed_values(batch.column("heads")[row : row + 1], np.int64)
                # A member with a free place for a head is itself among the heads.
                is_head = heads.reshape(len(ranks), -1)[:, -1] == NO_HEAD
                stays = ~(is_gone[places] | is_head)
                hashes, ranks = hashes[stays], ranks[stays]
                partitions = band_partition(hashes, params.num_partitions)
                yield from packer.add(partitions, [hashes, ranks])
        yield from packer.flush()

    return peel
