"""List the distinct shingles of texts, where an exact similarity is asked for.

Output: one row per text that was asked for, with its shingles.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame

from stackspark.duplicates.near.kernels.bloom_filter import Bitmap
from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.duplicates.near.kernels.shingle_sets import shingle_sets
from stackspark.duplicates.near.tables.text_reader import TextReader
from stackspark.lake.content_reader import ContentBatch, ReadMetrics, map_contents

if TYPE_CHECKING:
    from pyspark import Broadcast


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


def list_wanted_shingles(
    rows: DataFrame, reader: TextReader, wanted: "Broadcast[Bitmap]", params: ListShinglesParams
) -> DataFrame:
    """List the shingles of the texts whose keys may be wanted; no text leaves its task.

    Args:
        rows: one row per text: `key`, `key_hash` (64-bit) and what the reader needs.
        reader: of the texts.
        wanted: hashes of the wanted keys.
        params: tokens and shingles.

    Returns:
        (`key`, `shingles`) of every wanted text, and of a few others.
    Shuffles: none.
    """

    def is_wanted(batch: pa.RecordBatch) -> pa.BooleanArray:
        return pa.array(wanted.value.may_contain(batch.column("key_hash").to_numpy()))

    def listed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for texts, batch in reader.texts_of(batches, is_wanted):
            sets = shingle_sets(texts, params.minhash)
            yield pa.RecordBatch.from_arrays([batch.column("key"), sets], ["key", "shingles"])

    return rows.mapInArrow(listed, "key string, shingles binary")
