"""Find the pairs of blobs that may be near-duplicates: each blob and the best of its bucket.

Output: packed rows of (band hash, member, heads) by block of the member.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from stackspark.duplicates.near.kernels.buckets import NO_HEAD, BucketHeads
from stackspark.duplicates.near.kernels.packing import (
    PACKED_EDGES,
    Packer,
    columns_of,
    packed_values,
)
from stackspark.duplicates.near.tables.spool import Spool


@dataclass(frozen=True, kw_only=True)
class FindCandidateEdgesParams:
    """Partitions of the band hashes, and blocks of `ranks_per_block` ranks.

    With `heads_per_bucket` 1, each member is paired with the best member of its bucket only.
    """

    heads_per_bucket: int = 1
    num_partitions: int
    num_blocks: int
    ranks_per_block: int


def find_candidate_edges(bands: DataFrame, params: FindCandidateEdgesParams) -> DataFrame:
    """Pair each member of a bucket with the bucket's heads, its members of the least ranks.

    With h heads, a bucket of n blobs gives at most n * h pairs, not n * (n - 1) / 2. Its members
    pass a task twice, from a file if they are many, and only its heads are kept in memory: it may
    have any size.

    Args:
        bands: (`block`, `band_hashes`, `ranks`), packed by partition of the band hash.
        params: partitions and blocks.

    Returns:
        `PACKED_EDGES`, one row per member with a better head; `block` is that of the member's rank.
    Shuffles: one, on the partition of the band hash, 16 bytes per blob and band.
    """
    partitions = bands.repartitionById(params.num_partitions, "block")
    return partitions.mapInArrow(_pairer(params), PACKED_EDGES)


def _pairer(
    params: FindCandidateEdgesParams,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def pair(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        packer = Packer(columns_of(PACKED_EDGES), params.num_blocks)
        buckets = BucketHeads(params.heads_per_bucket)
        with Spool() as members:
            for batch in batches:
                hashes = packed_values(batch.column("band_hashes"), np.uint64)
                ranks = packed_values(batch.column("ranks"), np.int64)
                buckets.add(hashes, ranks)
                members.append([hashes, ranks])
            for hashes, ranks in members:
                heads = buckets.heads(hashes, ranks)
                edges = [column[heads[:, 0] != NO_HEAD] for column in (hashes, ranks, heads)]
                yield from packer.add(edges[1] // params.ranks_per_block, edges)
        yield from packer.flush()

    return pair
