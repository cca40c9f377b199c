import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_near_duplicates import jaccard, unpacked

from stackspark.kernels.buffers import fixed_width_rows
from stackspark.kernels.minhash import MinHashParams, measure_shingles
from stackspark.kernels.signatures import estimate_jaccard

PACKED = st.binary(min_size=16, max_size=16)


def matrix(rows: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 16)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PACKED, PACKED), max_size=5))
def test_estimate_jaccard_equals_oracle(pairs: list[tuple[bytes, bytes]]) -> None:
    left, right = (matrix([pair[side] for pair in pairs]) for side in (0, 1))
    estimates = estimate_jaccard(left, right).tolist()
    for estimate, (one, other) in zip(estimates, pairs, strict=True):
        equal = sum(a == b for a, b in zip(unpacked(one), unpacked(other), strict=True))
        assert estimate == pytest.approx(max(0, (equal / 64 - 0.25) / 0.75))


def test_estimate_jaccard_is_near_the_truth() -> None:
    words = [f"w{i}" for i in range(2000)]
    texts = [" ".join(words[start : start + 1000]) for start in range(0, 600, 100)]
    measured = measure_shingles(pa.array(texts), MinHashParams())["signature"]
    signatures = fixed_width_rows(measured, 256)
    estimates = estimate_jaccard(np.repeat(signatures[:1], len(texts), axis=0), signatures)
    truth = [jaccard(texts[0], text) for text in texts]
    assert estimates[0] == 1
    assert np.abs(estimates - truth).max() < 4 * 0.016


def test_estimate_jaccard_rejects_other_shapes() -> None:
    with pytest.raises(ValueError, match="equal shapes"):
        estimate_jaccard(matrix([b"x" * 16]), matrix([b"x" * 16] * 2))
