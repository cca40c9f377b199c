"""Pair up blobs whose normalised texts are equal.

Output: one edge per blob that repeats a better one's normalised text.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.kernels.packing import band_partition, packed_values
from stackspark.duplicates.near.kernels.pairs import pair_equal
from stackspark.duplicates.near.tables.packed import TEXTS, Part, columns_of, pack_rows


def pair_normalized_texts(ranked: DataFrame, num_tasks: int) -> DataFrame:
    """Pair each blob with the best blob of its scope that has the same normalised text.

    Args:
        ranked: one row per `rank` with `scope` and `normalized_hash` (32 hex digits, or null).
        num_tasks: partitions of the hashes; a task keeps 24 bytes per blob of its partition.

    Returns:
        (`member`, `head`), one row per blob that is not the best of its text; ranks.
    Shuffles: one, on the text's hash, 24 bytes a row.
    """

    def parts_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Part]:
        for batch in batches:
            hashes = packed_values(batch.column("hash"), np.uint64).reshape(-1, 2)
            # The scope is mixed in, so that texts of two scopes have no equal hashes.
            scopes = batch.column("scope_hash").to_numpy().view(np.uint64)
            hashes = hashes ^ scopes[:, np.newaxis]
            ranks = batch.column("rank").to_numpy()
            yield band_partition(hashes[:, 0], num_tasks), [hashes, ranks]

    texts = ranked.where("normalized_hash is not null").select(
        "rank", F.xxhash64("scope").alias("scope_hash"), F.unhex("normalized_hash").alias("hash")
    )
    partitions = pack_rows(texts, TEXTS, num_tasks, parts_of).repartitionById(num_tasks, "block")
    return partitions.mapInArrow(_pair, "member bigint, head bigint")


def _pair(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    parts = [
        [packed_values(batch.column(name), np.uint64) for name in columns_of(TEXTS)]
        for batch in batches
    ]
    if parts:
        hashes, ranks = (np.concatenate(column) for column in zip(*parts, strict=True))
        pairs = pair_equal(hashes.reshape(-1, 2), ranks.view(np.int64))
        yield pa.RecordBatch.from_arrays([pa.array(side) for side in pairs], ["member", "head"])
