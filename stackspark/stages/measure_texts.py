"""Measure what the search for near-duplicates needs of any table of texts.

Output: the columns of the input but the text, and `normalized_hash`, `band_hashes`, `signature`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from stackspark.kernels.minhash import MinHashParams, measure_shingles
from stackspark.kernels.text_metrics import normalized_hashes

TEXT = "content"
MEASURES = {
    "normalized_hash": T.StringType(),
    "band_hashes": T.ArrayType(T.LongType()),
    "signature": T.BinaryType(),
}


@dataclass(frozen=True, kw_only=True)
class MeasureTextsParams:
    """How the MinHash is taken."""

    minhash: MinHashParams = field(default_factory=MinHashParams)


def measure_texts(texts: DataFrame, params: MeasureTextsParams = MeasureTextsParams()) -> DataFrame:
    """Measure each text once.

    Args:
        texts: one row per `content`, which is not null; other columns are handed on.
        params: the MinHash.

    Returns:
        One row per text, without it.
    Shuffles: none.
    """
    kept = [item for item in texts.schema if item.name != TEXT]
    added = [T.StructField(name, kind) for name, kind in MEASURES.items()]
    schema = T.StructType([*kept, *added])
    return texts.mapInArrow(partial(_measured, params=params), schema)


def _measured(
    batches: Iterator[pa.RecordBatch], params: MeasureTextsParams
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        texts = batch.column(TEXT)
        found = measure_shingles(texts, params.minhash)
        found["normalized_hash"] = normalized_hashes(texts)
        rows = batch.drop_columns([TEXT])
        for name in MEASURES:
            rows = rows.append_column(name, found[name])
        yield rows
