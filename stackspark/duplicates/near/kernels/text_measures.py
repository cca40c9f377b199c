"""The measures of a text that the search for near-duplicates needs."""

import pyarrow as pa
import pyarrow.compute as pc

from stackspark.duplicates.near.kernels.minhash import MinHashParams, measure_shingles
from stackspark.texts.text_metrics import normalized_hashes

MEASURES = pa.schema(
    {
        "is_null": pa.bool_(),
        "normalized_hash": pa.string(),
        "band_hashes": pa.binary(),
        "signature": pa.binary(),
    }
)
"""`normalized_hash` has 32 hex digits, or is null; the last two are `measure_shingles`'s."""


def text_measures(texts: pa.Array, minhash: MinHashParams) -> pa.RecordBatch:
    """Measure texts: one row of `MEASURES` each; a null is measured as an empty text."""
    found = measure_shingles(texts, minhash)
    found["is_null"] = pc.is_null(texts)
    found["normalized_hash"] = normalized_hashes(texts)
    return pa.RecordBatch.from_pydict({name: found[name] for name in MEASURES.names})
