import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_near_duplicates import shingle_hashes, tokens

from stackspark.duplicates.near.kernels.shingles import (
    NUM_TOKENS,
    new_reader,
    read_shingles,
    token_table,
)

CODE_LIKE = st.text(
    alphabet=st.sampled_from("abzAZ019_ \n\t.(){}=;é中\x00\u2028\ufeff"), max_size=200
)


def read_all(
    text: str, ngram_size: int, piece: int, lowercase: bool = True
) -> tuple[list[int], int]:
    """All shingle hashes of a text, read in pieces of `piece` hashes; and its number of tokens."""
    reader = new_reader(pa.array(["before", text, "after"]), ngram_size, lowercase)
    position, end = (int(offset) for offset in reader.offsets[1:3])
    shingles, hashes = np.zeros(piece, np.uint64), []
    while position < end:
        position, written = read_shingles(reader, position, end, shingles)
        hashes += shingles[:written].tolist()
    return hashes, int(reader.state[NUM_TOKENS])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a += (b);", [b"a", b"b"]),
        ("snake_case camelCase", [b"snake_case", b"camelcase"]),
        ("x\x00y", [b"x", b"y"]),  # NUL ends a token
        ("naïve 变量", ["naïve".encode(), "变量".encode()]),
        ("É", ["É".encode()]),  # only ASCII is lower-cased
        ("\ufeffa \ufeff", [b"a", "\ufeff".encode()]),  # only the mark before the text is left out
        ("\ufeff\ufeff", ["\ufeff".encode()]),
        ("a\u2028b", ["a\u2028b".encode()]),  # a line separator is three bytes of a token
    ],
)
def test_oracle_tokens(text: str, expected: list[bytes]) -> None:
    assert tokens(text) == expected


def test_read_shingles_golden() -> None:
    hashes, num_tokens = read_all("the quick brown fox jumps over", ngram_size=5, piece=8)
    assert num_tokens == 6
    assert hashes == [10641992711791655105, 6415878091777116241]


@settings(deadline=None)
@given(CODE_LIKE, st.integers(1, 7), st.integers(1, 9), st.booleans())
def test_read_shingles_equals_oracle(
    text: str, ngram_size: int, piece: int, lowercase: bool
) -> None:
    hashes, num_tokens = read_all(text, ngram_size, piece, lowercase)
    assert hashes == shingle_hashes(text, ngram_size, lowercase)
    assert num_tokens == len(tokens(text, lowercase))


def test_new_reader_starts_inside_a_sliced_array() -> None:
    reader = new_reader(pa.array(["skipped", "kept", None], pa.large_string())[1:], 5, True)
    assert bytes(reader.data[reader.offsets[0] : reader.offsets[1]]) == b"kept"
    assert reader.offsets[2] == reader.offsets[1]


def test_token_table_keeps_case_on_request() -> None:
    assert token_table(lowercase=False)[ord("A")] == ord("A")
    assert token_table(lowercase=True)[ord("A")] == ord("a")
    assert token_table(lowercase=True)[ord("-")] == 0
