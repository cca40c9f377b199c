"""MinHash as the near-duplicate script of The Stack v2 takes it, value for value.

A token is what `re.split(r"\\W", text.lower())` gives: every character that is no letter, digit or
underscore ends one, and empty tokens count. A shingle is a run of tokens joined by blanks, its hash
XXH32 of its UTF-8 bytes. Permutation k maps h to a[k]*h + b[k], which wraps at 2^32, modulo the
prime 2^32 - 5.

As each token ends with one character, a shingle stands in the text as it is, but for case and for
blanks in the place of what ends tokens. So it is hashed from there, and may have any length.

Source: the near-deduplication script of The Stack v2; XXH32: the xxHash specification 0.1.1.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

import numpy as np
import pyarrow as pa

from stackspark.duplicates.near.kernels.shingles import (
    EMPTY,
    LANES,
    NUM_TOKENS,
    RING,
    Family,
    Hashes,
    Pieces,
    Reader,
    Signature,
)
from stackspark.runtime.buffers import Bytes, Flags, Longs, text_buffers
from stackspark.runtime.compiled import compiled, inlined

PRIME = np.uint32(4294967291)
BLANK = np.uint8(ord(" "))
UNROLLED = 4

PIECE_BYTES = 1 << 20
"""Bytes of a text that are in Python strings at once, if its lines are no longer."""

ENDS_TOKEN = re.compile(r"[^\w\x00-\x7f]")

XXH_1, XXH_2, XXH_3, XXH_4, XXH_5 = (
    np.uint32(prime) for prime in (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)
)
XXH_STARTS = (np.uint32(0x24234428), XXH_2, np.uint32(0), np.uint32(0x61C8864F))
"""Accumulators of seed 0: XXH_1 + XXH_2, XXH_2, 0 and -XXH_1."""

UNICODE = unicodedata.unidata_version
"""Which characters are letters, and their lower case, are what this Python knows."""


@cache
def stack_v2_permutations(num_perm: int, seed: int) -> Family:
    """Multipliers and offsets, shape (num_perm,), from NumPy's frozen legacy generator."""
    generator = np.random.RandomState(seed)
    multipliers = generator.randint(1, int(PRIME), num_perm, dtype=np.uint32)
    return multipliers, generator.randint(0, int(PRIME), num_perm, dtype=np.uint32)


def stack_v2_readers(texts: pa.Array, ngram_size: int) -> Iterator[Reader]:
    """Readers of the texts of a string or large_string array, in their order.

    Runs of ASCII texts are read where they stand; of any other text a copy is made.
    """
    data, offsets = text_buffers(texts)
    state = np.zeros(RING + ngram_size, np.uint64)
    is_ascii = np.ones(len(offsets) - 1, np.bool_)
    _find_ascii(data, offsets, is_ascii)
    first = 0
    for row in [*np.flatnonzero(~is_ascii).tolist(), len(is_ascii)]:
        if row > first:
            yield Reader(data, offsets[first : row + 1].copy(), _table(), state)
        if row < len(is_ascii):
            flat = flat_text(data[offsets[row] : offsets[row + 1]])
            yield Reader(flat, np.array([0, len(flat)]), _table(), state)
        first = row + 1


def stack_v2_shingles(reader: Reader, row: int) -> Hashes:
    """All shingles of one text of a reader as hashes of 32 bits, in order and with repeats."""
    start, end = reader.offsets[row], reader.offsets[row + 1]
    reader.state[:] = 0
    reader.state[RING] = start
    values = np.empty(end - start + 1, np.uint32)
    _, count = read_stack_v2_shingles(reader, start, end, values)
    return values[:count].astype(np.uint64)


def flat_text(text: Bytes) -> Bytes:
    """A UTF-8 text in lower case, with a blank for each character beyond ASCII that ends a token.

    It goes by lines: lower case depends on what is around a letter (the Greek final sigma), but not
    beyond the end of a line.
    """
    lowered = (piece.decode().lower() for piece in _pieces(text))
    return np.frombuffer(
        b"".join(ENDS_TOKEN.sub(" ", piece).encode() for piece in lowered), np.uint8
    )


def _pieces(text: Bytes) -> Iterator[bytes]:
    start, size = 0, PIECE_BYTES
    while start < len(text):
        piece = text[start : start + size].tobytes()
        if start + size < len(text):
            piece = piece[: piece.rfind(b"\n") + 1]
        if not piece:
            size *= 2
            continue
        yield piece
        start, size = start + len(piece), PIECE_BYTES


@cache
def _table() -> Bytes:
    """Value of each byte in a shingle, shape (256,)."""
    table = np.arange(256, dtype=np.uint8)
    for byte in range(128):
        is_word = chr(byte).isalnum() or byte == ord("_")
        table[byte] = ord(chr(byte).lower()) if is_word else BLANK
    return table


@compiled
def _find_ascii(data: Bytes, offsets: Longs, is_ascii: Flags) -> None:
    for row in range(len(is_ascii)):
        bits = np.uint8(0)
        for position in range(offsets[row], offsets[row + 1]):
            bits |= data[position]
        is_ascii[row] = bits < np.uint8(128)


@compiled
def read_stack_v2_shingles(
    reader: Reader, position: int, end: int, hashes: Signature
) -> tuple[int, int]:
    """Hash the next shingles of a text until `hashes` is full or the text ends.

    Args:
        reader: its state is all 0 at the start of a text, but for the text's first position in
            place `RING`; changed in place.
        position: where to read on: first byte of the text, or the position returned before.
        end: position after the text's last byte, which ends its last token.
        hashes: receives the hashes in order, repeats included.

    Returns:
        Position to read on from (`end + 1` when done) and the number of hashes written.
    """
    data, table, state = reader.data, reader.table, reader.state
    ngram_size = len(state) - RING
    num_tokens = np.int64(state[NUM_TOKENS])
    written = 0
    while position <= end and written < len(hashes):
        ends_token = position == end or table[data[position]] == BLANK
        position += 1
        if not ends_token:
            continue
        num_tokens += 1
        # Where the token n places before the next one began; the next one takes its place.
        slot = RING + num_tokens % ngram_size
        if num_tokens >= ngram_size:
            hashes[written] = _xxh32(data, table, int(np.int64(state[slot])), position - 1)
            written += 1
        state[slot] = np.uint64(position)
    state[NUM_TOKENS] = np.uint64(num_tokens)
    return position, written


@compiled
def take_stack_v2_minima(hashes: Signature, count: int, family: Family, minima: Signature) -> None:
    """Lower the minima to the permuted hashes; the number of permutations is a multiple of 4.

    x modulo 2^32 - 5 is the lesser of x and x + 5, which wraps.
    """
    a, b = family
    for k in range(0, len(a), UNROLLED):
        a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
        b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
        m0, m1, m2, m3 = minima[k], minima[k + 1], minima[k + 2], minima[k + 3]
        for i in range(count):
            value = hashes[i]
            x0, x1 = np.uint32(a0 * value + b0), np.uint32(a1 * value + b1)
            x2, x3 = np.uint32(a2 * value + b2), np.uint32(a3 * value + b3)
            m0 = min(m0, x0, np.uint32(x0 - PRIME))
            m1 = min(m1, x1, np.uint32(x1 - PRIME))
            m2 = min(m2, x2, np.uint32(x2 - PRIME))
            m3 = min(m3, x3, np.uint32(x3 - PRIME))
        minima[k], minima[k + 1], minima[k + 2], minima[k + 3] = m0, m1, m2, m3


@compiled
def sign_stack_v2_text(
    reader: Reader, row: int, family: Family, pieces: Pieces, minima: Signature
) -> int:
    """Take the minima of one text; returns its number of shingles, the reader has its tokens.

    Every text has a token, which may be empty.
    """
    position, end = reader.offsets[row], reader.offsets[row + 1]
    reader.state[:] = np.uint64(0)
    reader.state[RING] = np.uint64(position)
    minima[:] = EMPTY
    num_shingles = 0
    while position <= end:
        position, count = read_stack_v2_shingles(reader, position, end, pieces.hashes)
        padded = (count + LANES - 1) // LANES * LANES
        pieces.hashes[count:padded] = pieces.hashes[count - 1]
        take_stack_v2_minima(pieces.hashes, padded, family, minima)
        num_shingles += count
    return num_shingles


@inlined
def _rotated(value: np.uint32, bits: int) -> np.uint32:
    return np.uint32((value << np.uint32(bits)) | (value >> np.uint32(32 - bits)))


@inlined
def _lane(data: Bytes, table: Bytes, position: int) -> np.uint32:
    return np.uint32(
        np.uint32(table[data[position]])
        | np.uint32(table[data[position + 1]]) << np.uint32(8)
        | np.uint32(table[data[position + 2]]) << np.uint32(16)
        | np.uint32(table[data[position + 3]]) << np.uint32(24)
    )


@inlined
def _taken_in(accumulator: np.uint32, lane: np.uint32) -> np.uint32:
    return np.uint32(_rotated(np.uint32(accumulator + lane * XXH_2), 13) * XXH_1)


@compiled
def _xxh32(data: Bytes, table: Bytes, start: int, end: int) -> np.uint32:
    """XXH32, seed 0, of what the bytes stand for."""
    position = start
    value = XXH_5
    if end - start >= 16:
        v1, v2, v3, v4 = XXH_STARTS
        while position <= end - 16:
            v1 = _taken_in(v1, _lane(data, table, position))
            v2 = _taken_in(v2, _lane(data, table, position + 4))
            v3 = _taken_in(v3, _lane(data, table, position + 8))
            v4 = _taken_in(v4, _lane(data, table, position + 12))
            position += 16
        value = np.uint32(_rotated(v1, 1) + _rotated(v2, 7) + _rotated(v3, 12) + _rotated(v4, 18))
    value = np.uint32(value + np.uint32(end - start))
    while position <= end - 4:
        value = np.uint32(value + _lane(data, table, position) * XXH_3)
        value = np.uint32(_rotated(value, 17) * XXH_4)
        position += 4
    while position < end:
        value = np.uint32(value + np.uint32(table[data[position]]) * XXH_5)
        value = np.uint32(_rotated(value, 11) * XXH_1)
        position += 1
    value = np.uint32((value ^ (value >> np.uint32(15))) * XXH_2)
    value = np.uint32((value ^ (value >> np.uint32(13))) * XXH_3)
    return np.uint32(value ^ (value >> np.uint32(16)))
