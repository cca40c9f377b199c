"""Slow, exact oracles of the near-duplicate engine: plain Python over bytes, sets and pairs."""

import re

import numpy as np

WORD = 2**64


def tokens(text: str, lowercase: bool = True) -> list[bytes]:
    """Maximal runs of ASCII letters, digits, `_` and non-ASCII bytes."""
    data = text.encode()
    return re.findall(rb"[A-Za-z0-9_\x80-\xff]+", data.lower() if lowercase else data)


def mixed(value: int) -> int:
    for _ in range(2):
        value ^= value >> 32
        value = value * 0xD6E8FEB86659FD93 % WORD
    return value ^ value >> 32


def token_hash(token: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in token:
        value = (value ^ byte) * 0x100000001B3 % WORD
    return mixed(value)


def shingle_hashes(text: str, ngram_size: int = 5, lowercase: bool = True) -> list[int]:
    """64-bit hashes of all n-grams of tokens, in order, repeats included."""
    hashes = [token_hash(token) for token in tokens(text, lowercase)]
    shingles = []
    for start in range(len(hashes) - ngram_size + 1):
        value = 0
        for token in hashes[start : start + ngram_size]:
            value = (value * 0x9E3779B97F4A7C15 + token) % WORD
        shingles.append(mixed(value))
    return shingles


def jaccard(left: str, right: str, ngram_size: int = 5) -> float:
    """Jaccard similarity of the sets of token n-grams themselves, without any hash."""
    sets = []
    for text in (left, right):
        words = tokens(text)
        sets.append({tuple(words[i : i + ngram_size]) for i in range(len(words) - ngram_size + 1)})
    union = sets[0] | sets[1]
    return len(sets[0] & sets[1]) / len(union) if union else 0.0


def band_hashes(signature: np.ndarray, num_bands: int, rows_per_band: int) -> list[int]:
    """One signed 64-bit hash per band of the signature's first values."""
    hashes = []
    for band in range(num_bands):
        value = (band + 1) * 0x9E3779B97F4A7C15 % WORD
        for row in signature[band * rows_per_band : (band + 1) * rows_per_band]:
            value = mixed((value + int(row)) % WORD)
        hashes.append(value - WORD if value >= WORD // 2 else value)
    return hashes


def two_bits(signature: np.ndarray) -> list[int]:
    """The two bits that a packed signature holds of each value."""
    return [(int(value) * 0x9E3779B1 % 2**32) >> 30 for value in signature]


def unpacked(packed: bytes) -> list[int]:
    return [byte >> shift & 3 for byte in packed for shift in (6, 4, 2, 0)]


def resolved(edges: list[tuple[int, int]]) -> dict[int, int]:
    """Kept twin of each removed blob: its best neighbour that stays, decided in rank order."""
    twins: dict[int, int] = {}
    for member in sorted({member for member, _ in edges}):
        kept = sorted(head for other, head in edges if other == member and head not in twins)
        if kept:
            twins[member] = kept[0]
    return twins
