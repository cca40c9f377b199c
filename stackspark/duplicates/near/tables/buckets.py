"""Buckets of blobs with one equal band hash: list them, pair their members, peel off their heads.

Output: packed rows of (band hash, rank) by partition of the band hash, or of (band hash, member,
heads) by block of the member.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.kernels.buckets import NO_HEAD, BucketHeads
from stackspark.duplicates.near.kernels.packing import (
    band_partition,
    packed_values,
    unpacked_rows,
)
from stackspark.duplicates.near.tables.packed import (
    BANDS,
    EDGES,
    BlockParams,
    Part,
    by_block,
    columns_of,
    pack_rows,
)
from stackspark.duplicates.near.tables.spool import Spool


def list_bands(ranked: DataFrame, text_twins: DataFrame, params: BlockParams) -> DataFrame:
    """List the bands of all blobs with a signature, save those that repeat another's text.

    The scope is mixed into the hash of a band, so that no bucket holds blobs of two scopes.

    Args:
        ranked: one row per `rank` with `scope` and `band_hashes` (null without shingles).
        text_twins: `member` is the rank of a blob that repeats another's normalised text.
        params: one partition of the band hashes per task.

    Returns:
        `BANDS`.
    Shuffles: one of each side on the rank, unless `text_twins` is small enough to broadcast.
    """

    def parts_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Part]:
        for batch in batches:
            lists = batch.column("band_hashes")
            counts = pc.binary_length(lists).to_numpy() // np.dtype(np.uint64).itemsize
            scopes, ranks = (
                np.repeat(batch.column(name).to_numpy(), counts) for name in ("scope_hash", "rank")
            )
            hashes = np.bitwise_xor(packed_values(lists, np.uint64), scopes.view(np.uint64))
            yield band_partition(hashes, params.num_tasks), [hashes, ranks]

    heads = ranked.join(text_twins, on=F.col("rank") == F.col("member"), how="left_anti")
    bands = heads.where("band_hashes is not null").select(
        "rank", F.xxhash64("scope").alias("scope_hash"), "band_hashes"
    )
    return pack_rows(bands, BANDS, params.num_tasks, parts_of)


def find_candidate_edges(
    bands: DataFrame, params: BlockParams, heads_per_bucket: int = 1
) -> DataFrame:
    """Pair each member of a bucket with the bucket's heads, its members of the least ranks.

    With h heads, a bucket of n blobs gives at most n * h pairs, not n * (n - 1) / 2. Its members
    pass a task twice, from a file if they are many, and only its heads are kept in memory (32 bytes
    per distinct hash and 8 per further head): it may have any size.

    Args:
        bands: `BANDS`, with one partition per task.
        params: tasks and blocks.
        heads_per_bucket: how many of the best members are heads.

    Returns:
        `EDGES`, one row per member with a better head.
    Shuffles: one, on the partition of the band hash, 16 bytes per blob and band.
    """

    def parts_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Part]:
        buckets = BucketHeads(heads_per_bucket)
        with Spool() as members:
            for batch in batches:
                hashes = packed_values(batch.column("band_hashes"), np.uint64)
                ranks = packed_values(batch.column("ranks"), np.int64)
                buckets.add(hashes, ranks)
                members.append([hashes, ranks])
            for hashes, ranks in members:
                heads = buckets.heads(hashes, ranks)
                edges = [column[heads[:, 0] != NO_HEAD] for column in (hashes, ranks, heads)]
                yield edges[1] // params.ranks_per_block, edges

    partitions = bands.repartitionById(params.num_tasks, "block")
    return pack_rows(partitions, EDGES, params.num_blocks, parts_of)


def peel_buckets(edges: DataFrame, removed: DataFrame, params: BlockParams) -> DataFrame:
    """List the surviving members of the buckets, heads aside.

    The members that remain found no twin in their bucket's head; among each other they were never
    compared.

    Args:
        edges: `EDGES` of round 1.
        removed: (`block`, `members`) of removed blobs, packed by block.
        params: tasks and blocks.

    Returns:
        `BANDS`, with one partition per task.
    Shuffles: one, on the block of the member, 16 bytes per edge.
    """

    def parts_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Part]:
        last_block, is_gone = -1, np.zeros(params.ranks_per_block, np.bool_)
        for block, (values, ranks, heads) in unpacked_rows(batches, columns_of(EDGES)):
            if block != last_block:
                last_block, is_gone[:] = block, False
            places = ranks - block * params.ranks_per_block
            if not len(values):
                is_gone[places] = True
                continue
            # A member with a free place for a head is itself among the heads.
            is_head = heads.reshape(len(ranks), -1)[:, -1] == NO_HEAD
            stays = ~(is_gone[places] | is_head)
            hashes = values.view(np.uint64)[stays]
            yield band_partition(hashes, params.num_tasks), [hashes, ranks[stays]]

    nothing = F.lit(None).cast("binary")
    gone = removed.select("block", nothing.alias("band_hashes"), "members", nothing.alias("heads"))
    both = edges.select("block", *columns_of(EDGES)).union(gone)
    # Nulls first: the removed blobs of a block come before its edges.
    ordered = by_block(both, params.num_tasks, F.col("band_hashes").isNotNull())
    return pack_rows(ordered, BANDS, params.num_tasks, parts_of)
