"""The sets that the truth compares: distinct 5-grams of tokens, as 64-bit hashes.

A token is a maximal run of ASCII letters, digits, `_` and non-ASCII bytes, ASCII letters in lower
case. Written apart from the kernels of stackspark, so that a mistake there can't hide in the truth;
a test proves it equal to a regular expression and sets of tuples. Two different shingles of a
corpus with 10^8 of them get one hash with a probability of 3 in 10,000.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from near_duplicates.corpora import Corpus

Longs = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

NGRAM_SIZE = 5
LOWER = np.zeros(256, np.uint8)
"""What a byte stands for in a token; 0 ends one."""
for _byte in [*b"abcdefghijklmnopqrstuvwxyz0123456789_", *range(0x80, 0x100)]:
    LOWER[_byte] = _byte
LOWER[ord("A") : ord("Z") + 1] = LOWER[ord("a") : ord("z") + 1]


class Files(NamedTuple):
    """Facts of the rows of a corpus, in their order; shingles of all rows one after another."""

    num_tokens: Longs
    num_bytes: Longs
    normalized: npt.NDArray[np.bytes_]
    ends: Longs
    shingles: Hashes


def measure(corpus: Corpus) -> Files:
    """Read a corpus once."""
    tokens: list[int] = []
    sizes: list[int] = []
    normalized: list[bytes] = []
    sets: list[Hashes] = []
    for batch in texts_of(corpus):
        for text in batch.to_pylist():
            data = text.encode()
            num_tokens, shingles = shingle_set(data)
            tokens.append(num_tokens)
            sizes.append(len(data))
            normalized.append(normalized_hash(text))
            sets.append(shingles)
    return Files(
        num_tokens=np.array(tokens, np.int64),
        num_bytes=np.array(sizes, np.int64),
        normalized=np.array(normalized, "S32"),
        ends=np.cumsum([len(each) for each in sets], dtype=np.int64),
        shingles=np.concatenate(sets) if sets else np.zeros(0, np.uint64),
    )


def texts_of(corpus: Corpus) -> Iterator[pa.Array]:
    """Texts of a corpus, a few megabytes at a time."""
    with pq.ParquetFile(corpus.path) as file:
        for number in range(file.num_row_groups):
            yield from file.read_row_group(number, columns=["text"])["text"].chunks


def shingle_set(data: bytes) -> tuple[int, Hashes]:
    """Number of tokens of a text and its distinct shingles, sorted."""
    buffer = np.empty(len(data) // 2 + 1, np.uint64)
    num_tokens = _read_shingles(np.frombuffer(data, np.uint8), LOWER, buffer)
    return num_tokens, np.unique(buffer[: max(num_tokens - NGRAM_SIZE + 1, 0)])


def normalized_hash(text: str) -> bytes:
    """Hash of a text without what an editor may change: mark, line ends, trailing blanks."""
    lines = re.sub("\r\n?", "\n", text.removeprefix("\ufeff")).split("\n")
    joined = "\n".join(line.rstrip(" \t") for line in lines).rstrip("\n")
    return blake2b(joined.encode(), digest_size=16).hexdigest().encode()


@numba.njit(inline="always")
def _mix(value: np.uint64) -> np.uint64:
    """The finaliser of SplitMix64."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@numba.njit(cache=True)
def _read_shingles(
    data: npt.NDArray[np.uint8], lower: npt.NDArray[np.uint8], shingles: Hashes
) -> int:
    """Write the hash of the five tokens that end at each token from the fifth on; counts tokens."""
    last = np.zeros(NGRAM_SIZE, np.uint64)
    num_tokens = 0
    token = np.uint64(0)
    for position in range(len(data) + 1):
        byte = lower[data[position]] if position < len(data) else np.uint8(0)
        if byte:
            token = _mix(token + np.uint64(byte) + np.uint64(0x9E3779B97F4A7C15))
        elif token:
            last[num_tokens % NGRAM_SIZE] = token
            num_tokens += 1
            token = np.uint64(0)
            if num_tokens >= NGRAM_SIZE:
                value = np.uint64(0)
                for step in range(NGRAM_SIZE):
                    value = _mix(value + last[(num_tokens + step) % NGRAM_SIZE])
                shingles[num_tokens - NGRAM_SIZE] = value
    return num_tokens
