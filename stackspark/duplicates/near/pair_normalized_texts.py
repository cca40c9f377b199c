"""Pair up blobs whose normalised texts are equal.

Output: one edge per blob that repeats a better one's normalised text.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.kernels.equal_texts import pair_equal
from stackspark.duplicates.near.kernels.packing import (
    PACKED_TEXTS,
    Packer,
    band_partition,
    packed_values,
)


@dataclass(frozen=True, kw_only=True)
class PairNormalizedTextsParams:
    """Partitions of the hashes; a task keeps 24 bytes per blob of its partition, and sorts them."""

    num_partitions: int


def pair_normalized_texts(ranked: DataFrame, params: PairNormalizedTextsParams) -> DataFrame:
    """Pair each blob with the best blob of its scope that has the same normalised text.

    Args:
        ranked: one row per `rank` with `scope` and `normalized_hash` (32 hex digits, or null).
        params: number of partitions.

    Returns:
        (`member`, `head`), one row per blob that is not the best of its text; ranks.
    Shuffles: one, on the text's hash, 24 bytes a row.
    """
    texts = ranked.where("normalized_hash is not null").select(
        "rank", F.xxhash64("scope").alias("scope_hash"), F.unhex("normalized_hash").alias("hash")
    )
    packed = texts.mapInArrow(_packer(params.num_partitions), PACKED_TEXTS)
    partitions = packed.repartitionById(params.num_partitions, "block")
    return partitions.mapInArrow(_pair, "member bigint, head bigint")


def _packer(
    num_partitions: int,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def pack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        packer = Packer(["hashes", "ranks"], num_partitions)
        for batch in batches:
            hashes = packed_values(batch.column("hash"), np.uint64).reshape(-1, 2)
            # The scope is mixed in, so that texts of two scopes have no equal hashes.
            scopes = batch.column("scope_hash").to_numpy().view(np.uint64)
            hashes = hashes ^ scopes[:, np.newaxis]
            partitions = band_partition(hashes[:, 0], num_partitions)
            yield from packer.add(partitions, [hashes, batch.column("rank").to_numpy()])
        yield from packer.flush()

    return pack


def _pair(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    parts = [
        (
            packed_values(batch.column("hashes"), np.uint64),
            packed_values(batch.column("ranks"), np.int64),
        )
        for batch in batches
    ]
    if not parts:
        return
    hashes, ranks = (np.concatenate(column) for column in zip(*parts, strict=True))
    columns = [pa.array(column) for column in pair_equal(hashes.reshape(-1, 2), ranks)]
    yield pa.RecordBatch.from_arrays(columns, ["member", "head"])
