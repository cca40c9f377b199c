"""List the bands of the blobs that take part in the search for near-duplicates.

Output: packed rows of (band hash, rank) by partition of the band hash.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.kernels.packing import (
    PACKED_BANDS,
    Packer,
    band_partition,
    columns_of,
    packed_values,
)


@dataclass(frozen=True, kw_only=True)
class ListBandsParams:
    """Partitions of the band hashes; a task keeps 32 bytes per distinct hash of its partition."""

    num_partitions: int


def list_bands(ranked: DataFrame, text_twins: DataFrame, params: ListBandsParams) -> DataFrame:
    """List the bands of all blobs with a signature, save those that repeat another's text.

    The scope is mixed into the hash of a band, so that no bucket holds blobs of two scopes.

    Args:
        ranked: one row per `rank` with `scope` and `band_hashes` (null without shingles).
        text_twins: `member` is the rank of a blob that repeats another's normalised text.
        params: number of partitions.

    Returns:
        `PACKED_BANDS`; `block` is the partition of the band hash.
    Shuffles: one of each side on the rank, unless `text_twins` is small enough to broadcast.
    """
    heads = ranked.join(text_twins, on=F.col("rank") == F.col("member"), how="left_anti")
    bands = heads.where("band_hashes is not null").select(
        "rank", F.xxhash64("scope").alias("scope_hash"), "band_hashes"
    )
    return bands.mapInArrow(_packer(params.num_partitions), PACKED_BANDS)


def _packer(
    num_partitions: int,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def pack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        packer = Packer(columns_of(PACKED_BANDS), num_partitions)
        for batch in batches:
            lists = batch.column("band_hashes")
            counts = pc.binary_length(lists).to_numpy() // np.dtype(np.uint64).itemsize
            scopes, ranks = (
                np.repeat(batch.column(name).to_numpy(), counts) for name in ("scope_hash", "rank")
            )
            hashes = np.bitwise_xor(packed_values(lists, np.uint64), scopes.view(np.uint64))
            yield from packer.add(band_partition(hashes, num_partitions), [hashes, ranks])
        yield from packer.flush()

    return pack
