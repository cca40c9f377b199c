"""Measure what the search for near-duplicates needs of any table of texts.

Output: the columns of the input but for what stands for the text, and `is_null`, `normalized_hash`,
`band_hashes`, `signature`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from stackspark.duplicates.near.kernels.minhash import MinHashParams, measure_shingles
from stackspark.duplicates.near.tables.text_reader import TextReader
from stackspark.texts.text_metrics import normalized_hashes

MEASURES = {
    "is_null": T.BooleanType(),
    "normalized_hash": T.StringType(),
    "band_hashes": T.BinaryType(),
    "signature": T.BinaryType(),
}


@dataclass(frozen=True, kw_only=True)
class MeasureTextsParams:
    """How the MinHash is taken."""

    minhash: MinHashParams = field(default_factory=MinHashParams)


def measure_texts(rows: DataFrame, reader: TextReader, params: MeasureTextsParams) -> DataFrame:
    """Measure each text once.

    Args:
        rows: one row per text; other columns than the reader's are handed on.
        reader: of the texts; a null one is measured as an empty one.
        params: the MinHash.

    Returns:
        One row per text, without it.
    Shuffles: none.
    """
    kept = [item for item in rows.schema if item.name not in reader.carried]
    added = [T.StructField(name, kind) for name, kind in MEASURES.items()]

    def measured(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for texts, batch in reader.texts_of(batches):
            found = measures_of(texts, params.minhash)
            names = [*batch.schema.names, *found.schema.names]
            yield pa.RecordBatch.from_arrays([*batch.columns, *found.columns], names)

    return rows.mapInArrow(measured, T.StructType([*kept, *added]))


def measures_of(texts: pa.Array, minhash: MinHashParams) -> pa.RecordBatch:
    """One row of `MEASURES` per text; a null one is measured as an empty one."""
    found = measure_shingles(texts, minhash)
    found["is_null"] = pc.is_null(texts)
    found["normalized_hash"] = normalized_hashes(texts)
    return pa.RecordBatch.from_pydict({name: found[name] for name in MEASURES})
