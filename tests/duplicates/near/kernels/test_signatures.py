import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_near_duplicates import jaccard, unpacked

from stackspark.duplicates.near.kernels.minhash import MinHashParams, measure_shingles
from stackspark.duplicates.near.kernels.signatures import (
    band_probability,
    estimate_jaccard,
    pack_signature,
)
from stackspark.runtime.buffers import fixed_width_rows

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


@pytest.mark.parametrize("num_perm", [61, 62, 63, 64])
def test_estimate_jaccard_counts_the_permutations_only(num_perm: int) -> None:
    """What fills up the last byte is equal in all signatures, and no sign of likeness."""
    generator = np.random.default_rng(num_perm)
    minima = generator.integers(1 << 32, size=(2, num_perm), dtype=np.uint32)
    minima[1, ::3] = minima[0, ::3]
    packed = np.zeros((2, 16), np.uint8)
    for row, values in enumerate(np.pad(minima, ((0, 0), (0, 64 - num_perm)))):
        pack_signature(values, packed[row])
    left, right = (unpacked(row.tobytes()) for row in packed)
    assert left[num_perm:] == right[num_perm:] == [0] * (64 - num_perm)
    equal = sum(a == b for a, b in zip(left[:num_perm], right[:num_perm], strict=True))
    (estimate,) = estimate_jaccard(packed[:1], packed[1:], num_perm)
    assert estimate == pytest.approx((equal / num_perm - 0.25) / 0.75)


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


@pytest.mark.parametrize("similarity", [0.0, 0.3, 0.7, 0.999])
def test_band_probability(similarity: float) -> None:
    agrees = similarity**7
    assert band_probability(similarity, 1, 7) == pytest.approx(agrees)
    assert band_probability(similarity, 36, 7) == pytest.approx(1 - (1 - agrees) ** 36)
