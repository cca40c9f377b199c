"""Measure the texts of any table, and list the shingles of a few of them; no text leaves its task.

Output: one row per text, without it.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.duplicates.near.kernels.bloom_filter import BloomFilter
from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.duplicates.near.kernels.shingle_sets import shingle_sets
from stackspark.duplicates.near.kernels.text_measures import MEASURES, text_measures
from stackspark.duplicates.near.tables.text_reader import TextReader

if TYPE_CHECKING:
    from pyspark import Broadcast


def measure_texts(rows: DataFrame, reader: TextReader, params: MinHashParams) -> DataFrame:
    """Measure each text once.

    Args:
        rows: one row per text; other columns than the reader's are handed on.
        reader: of the texts; a null one is measured as an empty one.
        params: the MinHash.

    Returns:
        One row per text: what was handed on, and the columns of `MEASURES`.
    Shuffles: none.
    """

    def measured(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for texts, batch in reader.texts_of(batches):
            found = text_measures(texts, params)
            names = [*batch.schema.names, *found.schema.names]
            yield pa.RecordBatch.from_arrays([*batch.columns, *found.columns], names)

    kept = [item for item in rows.schema if item.name not in reader.carried]
    return rows.mapInArrow(measured, T.StructType([*kept, *from_arrow_schema(MEASURES)]))


def list_wanted_shingles(
    rows: DataFrame, reader: TextReader, wanted: "Broadcast[BloomFilter]", params: MinHashParams
) -> DataFrame:
    """List the distinct shingles of the texts whose keys may be wanted.

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
            sets = shingle_sets(texts, params)
            yield pa.RecordBatch.from_arrays([batch.column("key"), sets], ["key", "shingles"])

    return rows.mapInArrow(listed, "key string, shingles binary")
