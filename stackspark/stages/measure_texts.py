"""Measure what the search for near-duplicates needs of any table of texts.

Output: the columns of the input but the text, and `normalized_hash`, `num_tokens`, `band_hashes`,
`signature`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from stackspark.kernels.minhash import MinHashParams, measure_shingles
from stackspark.kernels.text_metrics import measure_text

MEASURES = {
    "normalized_hash": T.StringType(),
    "num_tokens": T.LongType(),
    "band_hashes": T.ArrayType(T.LongType()),
    "signature": T.BinaryType(),
}


@dataclass(frozen=True, kw_only=True)
class MeasureTextsParams:
    """The column that holds the text, and how its MinHash is taken."""

    text: str = "content"
    minhash: MinHashParams = field(default_factory=MinHashParams)


def measure_texts(texts: DataFrame, params: MeasureTextsParams = MeasureTextsParams()) -> DataFrame:
    """Measure each text once.

    Args:
        texts: one row per text, which is not null; other columns are handed on.
        params: the text's column and the MinHash.

    Returns:
        One row per text, without it.
    Shuffles: none.
    """
    kept = [item for item in texts.schema if item.name != params.text]
    added = [T.StructField(name, kind) for name, kind in MEASURES.items()]
    schema = T.StructType([*kept, *added])
    return texts.mapInArrow(partial(_measured, params=params), schema)


def _measured(
    batches: Iterator[pa.RecordBatch], params: MeasureTextsParams
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        texts = batch.column(params.text)
        found = measure_text(texts) | measure_shingles(texts, params.minhash)
        rows = batch.drop_columns([params.text])
        for name in MEASURES:
            rows = rows.append_column(name, found[name])
        yield rows
