"""Tokens and shingles of source code, as 64-bit hashes.

A token is a maximal run of ASCII letters, digits, underscores and bytes from 0x80 on (so that text
in any script makes tokens); ASCII letters are lower-cased, and a byte-order mark before the text is
left out. Its hash is FNV-1a over the bytes,
mixed. A shingle is a run of `ngram_size` tokens t1...tn; its hash is the polynomial
t1*M^(n-1) + ... + tn modulo 2^64, mixed. A polynomial can be rolled on in constant time for any n.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stackspark.runtime.buffers import Bytes, Longs, text_buffers, without_mark
from stackspark.runtime.compiled import compiled, inlined

Hashes = npt.NDArray[np.uint64]
Signature = npt.NDArray[np.uint32]
Family = tuple[Signature, Signature]
"""Multipliers and offsets of permutations."""

FNV_OFFSET = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)
MIX_MULTIPLIER = np.uint64(0xD6E8FEB86659FD93)
POLYNOMIAL_BASE = np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(32)

EMPTY = np.uint32(0xFFFFFFFF)
"""Value of a signature that has seen no shingle, as in datasketch."""

LANES = 32
"""Pieces are padded to a multiple of this, so that the vector loop has no scalar remainder."""

ROLLING, NUM_TOKENS, RING = 0, 1, 2
"""Places in the state of a reader: rolling hash, tokens so far, then the last n token hashes."""


class Reader(NamedTuple):
    """Texts to read shingles from, and all that is kept between two pieces of one text."""

    data: Bytes
    offsets: Longs
    table: Bytes
    state: Hashes


class Pieces(NamedTuple):
    """Shingles of one piece of a text, and the 32 bits of each that are permuted.

    `seen` has the last hash of each slot: most that a text repeats need no permuting again.
    """

    shingles: Hashes
    hashes: Signature
    seen: Signature


def new_reader(texts: pa.Array, ngram_size: int, lowercase: bool) -> Reader:
    """Reader of the texts of a string or large_string array; a null is an empty text."""
    state = np.zeros(RING + ngram_size, np.uint64)
    return Reader(*text_buffers(texts), token_table(lowercase), state)


def token_table(lowercase: bool) -> Bytes:
    """Value of each byte in a token, shape (256,); 0 for a byte that ends one."""
    table = np.zeros(256, np.uint8)
    for byte in range(1, 256):
        if byte >= 0x80 or chr(byte).isalnum() or byte == ord("_"):
            table[byte] = ord(chr(byte).lower()) if lowercase and byte < 0x80 else byte
    return table


@inlined
def mix(value: np.uint64) -> np.uint64:
    """Spread every bit of a 64-bit value over all others; a bijection."""
    value ^= value >> HALF
    value *= MIX_MULTIPLIER
    value ^= value >> HALF
    value *= MIX_MULTIPLIER
    return value ^ (value >> HALF)


@compiled
def read_shingles(reader: Reader, position: int, end: int, shingles: Hashes) -> tuple[int, int]:
    """Hash the next shingles of a text until `shingles` is full or the text ends.

    A text of any length is thus read in pieces, with nothing but the state between them.

    Args:
        reader: its state is all 0 at the start of a text, and changed in place.
        position: where to read on: first byte of the text, or the position returned before.
        end: position after the text's last byte.
        shingles: receives 64-bit hashes in order, repeats included.

    Returns:
        Position to read on from (`end` when done) and the number of hashes written.
    """
    data, table, state = reader.data, reader.table, reader.state
    ngram_size = len(state) - RING
    leaving = np.uint64(1)
    for _ in range(ngram_size):
        leaving *= POLYNOMIAL_BASE
    rolling = state[ROLLING]
    num_tokens = np.int64(state[NUM_TOKENS])
    slot = int(num_tokens) % ngram_size
    written = 0
    if num_tokens == 0:
        position = without_mark(data, position, end)
    while position < end and written < len(shingles):
        byte = table[data[position]]
        position += 1
        if byte == 0:
            continue
        token = FNV_OFFSET
        while byte != 0:
            token = (token ^ np.uint64(byte)) * FNV_PRIME
            byte = table[data[position]] if position < end else np.uint8(0)
            position += 1
        token = mix(token)
        rolling = rolling * POLYNOMIAL_BASE + token - state[RING + slot] * leaving
        state[RING + slot] = token
        slot += 1
        if slot == ngram_size:
            slot = 0
        num_tokens += 1
        if num_tokens >= ngram_size:
            shingles[written] = mix(rolling)
            written += 1
    state[ROLLING] = rolling
    state[NUM_TOKENS] = np.uint64(num_tokens)
    return min(position, end), written
