import resource
from dataclasses import replace

import datasketch
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_near_duplicates import (
    band_hashes,
    jaccard,
    packed,
    shingle_hashes,
    tokens,
    two_bits,
    unpacked,
)

from stackspark.duplicates.near.kernels.minhash import (
    MinHashParams,
    as_datasketch,
    full_signatures,
    measure_shingles,
    permutations,
)
from stackspark.errors import InvalidParamsError

SMALL = MinHashParams(num_perm=64, num_bands=4, rows_per_band=3, min_tokens=6)
VOCABULARY = ["if", "x", "y", "return", "foo", "bar", "0", "1", "é"]
WORDS = st.lists(st.sampled_from(VOCABULARY), max_size=60).map(" ".join)
FOX = "the quick brown fox jumps over the lazy dog again"


def datasketch_signature(text: str, params: MinHashParams) -> datasketch.MinHash:
    """datasketch's own signature of the upper 32 bits of a text's shingle hashes."""
    sketch = datasketch.MinHash(params.num_perm, seed=params.seed, hashfunc=lambda value: value)
    sketch.update_batch([value >> 32 for value in shingle_hashes(text, params.ngram_size)])
    return sketch


@pytest.mark.parametrize(("num_perm", "seed"), [(4, 1), (256, 1), (1024, 1), (128, 42)])
def test_permutations_are_datasketchs(num_perm: int, seed: int) -> None:
    expected = datasketch.MinHash(num_perm, seed=seed).permutations
    assert np.array_equal(np.stack(permutations(num_perm, seed)), expected)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | WORDS, max_size=5), st.sampled_from([61, 64]))
def test_measure_shingles_equals_oracle(texts: list[str | None], num_perm: int) -> None:
    params = replace(SMALL, num_perm=num_perm)
    measured = measure_shingles(pa.array(texts, pa.string()), params)
    for row, text in enumerate(texts):
        num_tokens = len(tokens(text or ""))
        assert measured["num_tokens"][row].as_py() == num_tokens
        if num_tokens < SMALL.min_tokens:
            assert measured["num_shingles"][row].as_py() == 0
            assert measured["band_hashes"][row].as_py() is None
            assert measured["signature"][row].as_py() is None
            continue
        expected = datasketch_signature(text or "", params).hashvalues
        assert measured["num_shingles"][row].as_py() == num_tokens - 4
        assert measured["band_hashes"][row].as_py() == packed(band_hashes(expected, 4, 3))
        filled_up = [*two_bits(expected), *[0] * (64 - num_perm)]
        assert unpacked(measured["signature"][row].as_py()) == filled_up


def test_measure_shingles_types() -> None:
    measured = measure_shingles(pa.array([FOX, None]), MinHashParams())
    types = {name: column.type for name, column in measured.items()}
    assert types == {
        "num_tokens": pa.int64(),
        "num_shingles": pa.int64(),
        "band_hashes": pa.binary(),
        "signature": pa.binary(),
    }
    for column in measured.values():
        column.validate(full=True)
    assert len(measured["signature"][0].as_py()) == 256
    assert len(measured["band_hashes"][0].as_py()) == 36 * 8


def test_measure_shingles_golden() -> None:
    measured = measure_shingles(pa.array([FOX]), MinHashParams())
    assert measured["num_tokens"].to_pylist() == [10]
    assert measured["num_shingles"].to_pylist() == [6]
    assert measured["band_hashes"][0].as_py()[:16] == packed(
        [-7564442555121671916, -3227977935258620238]
    )
    assert measured["signature"][0].as_py()[:8].hex() == "b251f37ef8ec5718"


def test_measure_shingles_empty_batch() -> None:
    measured = measure_shingles(pa.array([], pa.string()), SMALL)
    assert {name: len(column) for name, column in measured.items()} == {
        "num_tokens": 0,
        "num_shingles": 0,
        "band_hashes": 0,
        "signature": 0,
    }


@pytest.mark.parametrize("num_tokens", [2047, 2051, 2052, 2053, 4100, 5000])
def test_full_signatures_of_texts_of_several_pieces(num_tokens: int) -> None:
    text = " ".join(f"t{i * i % 997}" for i in range(num_tokens))
    expected = datasketch_signature(text, SMALL).hashvalues
    assert np.array_equal(full_signatures(pa.array([text]), SMALL)[0], expected)


def test_full_signatures_load_as_datasketch() -> None:
    words = [f"w{i % 70}" for i in range(400)]
    texts = [" ".join(words), " ".join([*words[:300], *["completely", "other", "text", "here"]])]
    params = MinHashParams(num_perm=128, num_bands=9)
    rows = full_signatures(pa.array(texts), params)
    loaded = [as_datasketch(row, params) for row in rows]
    expected = [datasketch_signature(text, params) for text in texts]
    assert loaded[0] == expected[0]
    assert loaded[0].jaccard(loaded[1]) == expected[0].jaccard(expected[1])
    loaded[0].merge(expected[1])


def test_full_signatures_of_short_texts_are_empty_sets() -> None:
    rows = full_signatures(pa.array(["a b c", None]), SMALL)
    assert np.array_equal(rows[0], datasketch.MinHash(64).hashvalues)
    assert np.array_equal(rows[1], rows[0])


@pytest.mark.parametrize(("scheme", "num_shingles"), [("stackspark", 4), ("stack-v2", 8)])
def test_measure_shingles_needs_little_memory_for_a_huge_text(
    scheme: str, num_shingles: int
) -> None:
    params = MinHashParams(num_perm=256, scheme=scheme)
    text = "some_identifier = another_one(argument, 12345)\n" * (100_000_000 // 47)
    texts = pa.array([text], pa.large_string())
    measure_shingles(pa.array([FOX], pa.large_string()), params)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    measured = measure_shingles(texts, params)
    after_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    missing = {"stackspark": 4, "stack-v2": 3}[scheme]
    assert measured["num_shingles"][0].as_py() == 100_000_000 // 47 * num_shingles - missing
    assert after_kb - before_kb < 20_000


def test_measure_shingles_counts_repeats_and_ignores_them_in_the_signature() -> None:
    once = "a b c d e f g a b c d e f g a b c d e"
    twice = once + " f g a b c d e"
    measured = measure_shingles(pa.array([once, twice]), SMALL)
    assert jaccard(once, twice) == 1
    assert measured["num_shingles"].to_pylist() == [15, 22]
    assert measured["signature"][0] == measured["signature"][1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_perm": 0},
        {"scheme": "stack-v2", "lowercase": False},
        {"num_bands": 0},
        {"rows_per_band": -1},
        {"num_perm": 128},  # fewer than 36 * 7
        {"ngram_size": 0},
        {"min_tokens": 4},  # fewer than one n-gram
        {"seed": 2**32},
    ],
)
def test_minhash_params_reject(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidParamsError):
        MinHashParams(**wrong)


def test_minhash_params_version_names_every_parameter() -> None:
    changes: list[dict[str, object]] = [
        {"scheme": "stack-v2"},
        {"num_perm": 512},
        {"num_bands": 35},
        {"rows_per_band": 6},
        {"ngram_size": 6},
        {"min_tokens": 11},
        {"seed": 2},
        {"lowercase": False},
    ]
    versions = {MinHashParams(**change).version for change in changes}
    assert len(versions | {MinHashParams().version}) == len(changes) + 1
