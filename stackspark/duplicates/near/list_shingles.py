"""List the distinct shingles of contents of a lake, where an exact similarity is asked for.

Output: one row per text that was asked for, with its shingles.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql import DataFrame

from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.duplicates.near.kernels.shingle_sets import shingle_sets
from stackspark.lake.content_reader import ContentBatch, ReadMetrics, map_contents


@dataclass(frozen=True, kw_only=True)
class ListShinglesParams:
    """Tokens and shingles."""

    minhash: MinHashParams = field(default_factory=MinHashParams)


def list_shingles(
    plan: DataFrame, params: ListShinglesParams, metrics: ReadMetrics | None = None
) -> DataFrame:
    """List the shingles of the texts of a read plan.

    Args:
        plan: read plan with the payload `rank`, each blob once.
        params: tokens and shingles.
        metrics: where to count what is read.

    Returns:
        (`rank`, `shingles`); shingles are ascending uint64 as binary.
    Shuffles: none.
    """

    def listed(batches: Iterator[ContentBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            sets = shingle_sets(batch.texts, params.minhash).take(pa.array(batch.text_index))
            ranks = batch.requests.column("rank")
            yield pa.RecordBatch.from_arrays([ranks, sets], ["rank", "shingles"])

    return map_contents(plan, listed, "rank bigint, shingles binary", metrics)
