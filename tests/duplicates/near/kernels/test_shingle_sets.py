from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_near_duplicates import jaccard as slow_jaccard
from reference_near_duplicates import shingle_hashes, stack_v2_shingles, tokens, xxh32

from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.duplicates.near.kernels.shingle_sets import jaccard, shingle_sets

WORDS = st.lists(st.sampled_from(["a", "b", "c1", "Dé", "_"]), max_size=40).map(" ".join)
PARAMS = MinHashParams(num_perm=4, num_bands=1, rows_per_band=1)


def sets(texts: list[str | None]) -> list[np.ndarray]:
    found = shingle_sets(pa.array(texts, pa.string()), PARAMS)
    return [np.frombuffer(value.as_py(), np.uint64) for value in found]


@settings(deadline=None)
@given(st.lists(WORDS | st.text(max_size=80), min_size=2, max_size=5))
def test_shingle_sets_equal_oracle(texts: list[str]) -> None:
    found = sets(texts)
    for text, hashes in zip(texts, found, strict=True):
        expected = shingle_hashes(text) if len(tokens(text)) >= PARAMS.min_tokens else []
        assert hashes.tolist() == sorted(set(expected))
    if min(len(tokens(text)) for text in texts[:2]) >= PARAMS.min_tokens:
        assert jaccard(found[0], found[1]) == pytest.approx(slow_jaccard(texts[0], texts[1]))


def test_shingle_sets_of_nothing() -> None:
    assert [len(hashes) for hashes in sets([None, "", "a b c"])] == [0, 0, 0]
    assert jaccard(*sets(["", ""])) == 0


def test_shingle_sets_reads_a_slice() -> None:
    texts = pa.array(["x " * 20, "a b c d e f g h i j k", None])
    assert shingle_sets(texts[1:], PARAMS).equals(shingle_sets(texts, PARAMS)[1:])


@settings(deadline=None)
@given(st.lists(WORDS | st.text(max_size=80), min_size=1, max_size=3))
def test_shingle_sets_of_the_scheme_stack_v2_equal_oracle(texts: list[str]) -> None:
    params = replace(PARAMS, scheme="stack-v2")
    for text, found in zip(texts, shingle_sets(pa.array(texts), params), strict=True):
        num_tokens, shingles = stack_v2_shingles(text, params.ngram_size)
        hashes = {xxh32(shingle.encode()) for shingle in shingles}
        expected = sorted(hashes) if num_tokens >= params.min_tokens else []
        assert np.frombuffer(found.as_py(), np.uint64).tolist() == expected
