"""The measurement of The Stack v2, value for value."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_near_duplicates import (
    band_hashes,
    packed,
    stack_v2_minima,
    stack_v2_shingles,
    two_bits,
    unpacked,
    xxh32,
)

from stackspark.duplicates.near.kernels.minhash import (
    MinHashParams,
    as_datasketch,
    full_signatures,
    measure_shingles,
)
from stackspark.duplicates.near.stack_v2 import minhash as stack_v2
from stackspark.duplicates.near.stack_v2.minhash import (
    flat_text,
    read_stack_v2_shingles,
    stack_v2_permutations,
    stack_v2_readers,
)
from stackspark.errors import InvalidParamsError

ORIGINAL = MinHashParams(
    scheme="stack-v2", num_perm=250, num_bands=25, rows_per_band=10, min_tokens=5, seed=42
)
SMALL = MinHashParams(
    scheme="stack-v2", num_perm=18, num_bands=4, rows_per_band=3, min_tokens=5, seed=42
)
FOX = "the quick brown fox jumps over"

SIGMAS = "ΣσςA\u0345'\u00ad.\n "
"""A sigma in capitals becomes one or the other by what stands around it, but for some signs."""

LETTERS = "aZ_09 \t\n.;\x00\u212a\u0130\u0131ßÉé\u0301٣ⅷ中😀\u2028\u00a0" + SIGMAS
TEXTS = st.text(st.sampled_from(LETTERS), max_size=60) | st.text(max_size=30)


def hashes(text: str, ngram_size: int, piece: int = 1000) -> list[int]:
    """Hashes that the kernel reads of a text, so many at a time."""
    found: list[int] = []
    for reader in stack_v2_readers(pa.array([text]), ngram_size):
        position, end = reader.offsets.tolist()
        reader.state[stack_v2.RING] = position
        while position <= end:
            values = np.zeros(piece, np.uint32)
            position, count = read_stack_v2_shingles(reader, position, end, values)
            found += values[:count].tolist()
    return found


def test_permutations_golden() -> None:
    a, b = stack_v2_permutations(250, 42)
    assert a[:4].tolist() == [1608637543, 3421126068, 4083286877, 787846415]
    assert b[:4].tolist() == [1834414013, 2235000, 3513346675, 1514271692]


def test_hashes_golden() -> None:
    assert set(hashes("a b c d", 2)) == {145323813, 433422276, 459146835}
    assert set(hashes(FOX, 5)) == {1936900125, 3368481935}


def test_full_signatures_golden() -> None:
    (signature,) = full_signatures(pa.array([FOX]), ORIGINAL)
    assert signature[:4].tolist() == [437790568, 505026524, 745769980, 2837218093]
    assert len(signature) == 250


def test_empty_tokens_count() -> None:
    measured = measure_shingles(pa.array(["a += (b);", "a b c d"]), ORIGINAL)
    assert measured["num_tokens"].to_pylist() == [8, 4]
    assert measured["num_shingles"].to_pylist() == [4, 0]
    assert [value.is_valid for value in measured["signature"]] == [True, False]
    assert len(measured["signature"][0].as_py()) == 63


@settings(max_examples=300, deadline=None)
@given(st.lists(st.none() | TEXTS, max_size=5))
def test_measure_shingles_equals_oracle(texts: list[str | None]) -> None:
    array = pa.array(["skipped", *texts], pa.string())[1:]
    measured = {name: column.to_pylist() for name, column in measure_shingles(array, SMALL).items()}
    signatures = full_signatures(array, SMALL)
    for row, text in enumerate(texts):
        num_tokens, shingles = stack_v2_shingles(text or "", 5)
        assert measured["num_tokens"][row] == num_tokens
        assert measured["num_shingles"][row] == len(shingles)
        if not shingles:
            assert measured["band_hashes"][row] is None
            assert measured["signature"][row] is None
            assert set(signatures[row]) == {2**32 - 1}
            continue
        minima = stack_v2_minima([xxh32(s.encode()) for s in shingles], 18, 42)
        assert signatures[row].tolist() == minima
        assert measured["band_hashes"][row] == packed(band_hashes(np.array(minima), 4, 3))
        assert unpacked(measured["signature"][row]) == [*two_bits(np.array(minima)), 0, 0]


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_hashes_of_shingles_of_every_length(piece: int) -> None:
    """Also of those that go on over several readings."""
    text = " ".join("abcdefg"[: n % 7] * (n // 9) for n in range(200))
    _, shingles = stack_v2_shingles(text, 5)
    assert max(map(len, shingles)) > 400
    assert hashes(text, 5, piece) == [xxh32(shingle.encode()) for shingle in shingles]


def test_measure_shingles_of_texts_of_several_pieces() -> None:
    text = " ".join(f"t{i * i % 997}" for i in range(5000))
    _, shingles = stack_v2_shingles(text, 5)
    expected = stack_v2_minima([xxh32(shingle.encode()) for shingle in shingles], 18, 42)
    assert full_signatures(pa.array([text]), SMALL)[0].tolist() == expected


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from(SIGMAS), max_size=30) | TEXTS, st.integers(1, 9))
def test_flat_text_whatever_its_pieces(text: str, piece_bytes: int) -> None:
    expected = re.sub(r"[^\w\x00-\x7f]", " ", text.lower()).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack_v2, "PIECE_BYTES", piece_bytes)
        assert flat_text(np.frombuffer(text.encode(), np.uint8)).tobytes() == expected


def test_as_datasketch_rejects_other_permutations() -> None:
    with pytest.raises(InvalidParamsError, match="scheme: stackspark, found stack-v2"):
        as_datasketch(full_signatures(pa.array([FOX]), ORIGINAL)[0], ORIGINAL)
