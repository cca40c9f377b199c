"""Slow, exact oracles of the near-duplicate engine: plain Python over bytes, sets and pairs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

WORD = 2**64


def tokens(text: str, lowercase: bool = True) -> list[bytes]:
    """Maximal runs of ASCII letters, digits, `_` and non-ASCII bytes, behind the mark if any."""
    data = text.removeprefix("\ufeff").encode()
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


def packed(hashes: Iterable[int] | None) -> bytes | None:
    """Band hashes as they are kept: 8 bytes each."""
    return None if hashes is None else np.array([*hashes], np.int64).tobytes()


def two_bits(signature: np.ndarray) -> list[int]:
    """The two bits that a packed signature holds of each value."""
    return [(int(value) * 0x9E3779B1 % 2**32) >> 30 for value in signature]


def unpacked(signature: bytes) -> list[int]:
    return [byte >> shift & 3 for byte in signature for shift in (6, 4, 2, 0)]


def resolved(edges: list[tuple[int, int]]) -> dict[int, int]:
    """Kept twin of each removed blob: its best neighbour that stays, decided in rank order."""
    twins: dict[int, int] = {}
    for member in sorted({member for member, _ in edges}):
        kept = sorted(head for other, head in edges if other == member and head not in twins)
        if kept:
            twins[member] = kept[0]
    return twins


def stack_v2_shingles(text: str, ngram_size: int) -> tuple[int, list[str]]:
    """Number of tokens and all n-grams of The Stack v2's script; none of a text that is shorter."""
    words = re.split(r"\W", text.lower())
    starts = range(len(words) - ngram_size + 1)
    return len(words), [" ".join(words[start : start + ngram_size]) for start in starts]


def stack_v2_minima(hashes: list[int], num_perm: int, seed: int) -> list[int]:
    """Minimum of each permutation of the script; the product and the sum wrap at 2^32."""
    prime = 4294967291
    chance = np.random.RandomState(seed)
    a = chance.randint(1, prime, num_perm, dtype=np.uint32).tolist()
    b = chance.randint(0, prime, num_perm, dtype=np.uint32).tolist()
    return [min((h * x + y) % 2**32 % prime for h in hashes) for x, y in zip(a, b, strict=True)]


def xxh32(data: bytes) -> int:
    """XXH32 of seed 0, from its specification."""
    one, two, three, four, five = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1

    def rotated(value: int, bits: int) -> int:
        value %= 2**32
        return (value << bits | value >> (32 - bits)) % 2**32

    value, rest = five, data
    if len(data) >= 16:
        sums = [one + two, two, 0, -one]
        while len(rest) >= 16:
            lanes = [int.from_bytes(rest[i : i + 4], "little") for i in (0, 4, 8, 12)]
            sums = [rotated(s + lane * two, 13) * one for s, lane in zip(sums, lanes, strict=True)]
            rest = rest[16:]
        value = sum(map(rotated, sums, (1, 7, 12, 18)))
    value += len(data)
    while len(rest) >= 4:
        value = rotated(value + int.from_bytes(rest[:4], "little") * three, 17) * four
        rest = rest[4:]
    for byte in rest:
        value = rotated(value + byte * five, 11) * one
    value %= 2**32
    value = (value ^ value >> 15) * two % 2**32
    value = (value ^ value >> 13) * three % 2**32
    return value ^ value >> 16


def estimated(left: bytes, right: bytes, num_perm: int) -> float:
    """Similarity that two packed signatures of 2 bits per permutation say."""
    differing = int.from_bytes(left) ^ int.from_bytes(right)
    either_bit = (differing | differing >> 1) & int.from_bytes(b"\x55" * len(left))
    agreeing = 1.0 - either_bit.bit_count() / num_perm
    return max(0.0, (agreeing - 0.25) / 0.75)


@dataclass(frozen=True, kw_only=True)
class Blob:
    """A candidate; the lower (order, blob_id) is the better copy. No bands: a short text."""

    blob_id: str
    order: int
    text: str
    bands: tuple[int, ...] | None
    signature: bytes | None


@dataclass(kw_only=True)
class Search:
    """The search of `stackspark.near_duplicates` in one scope, round by round, over all pairs.

    Blobs are their places in `blobs`, the best first. `edges` has the similarity and round of each
    verified pair (member, head), `removed` the kept twin of each removed blob after each round.
    """

    blobs: list[Blob]
    num_perm: int
    threshold: float
    heads_per_bucket: int
    max_rounds: int
    edges: dict[tuple[int, int], tuple[float, int]] = field(default_factory=dict)
    removed: list[dict[int, int]] = field(default_factory=list)
    is_settled: bool = False

    def __post_init__(self) -> None:
        self.blobs = sorted(self.blobs, key=lambda blob: (blob.order, blob.blob_id))
        first: dict[str, int] = {}
        self.text_head = [first.setdefault(b.text, place) for place, b in enumerate(self.blobs)]
        self.buckets: dict[int, list[int]] = {}
        for place, blob in enumerate(self.blobs):
            for band in (blob.bands or ()) if self.text_head[place] == place else ():
                self.buckets.setdefault(band, []).append(place)
        self._run()

    def _run(self) -> None:
        pairs = with_heads(self.buckets.values(), 1)
        for number in range(1, self.max_rounds + 1):
            similar = self._verified(pairs)
            self.edges |= {pair: (similarity, number) for pair, similarity in similar.items()}
            self.removed.append(resolved(list(self.edges)))
            self.is_settled = number > 1 and not similar
            if self.is_settled:
                return
            pairs = self._hops()
            if number == 1:
                pairs |= with_heads(self.peeled(), self.heads_per_bucket)

    def _verified(self, pairs: set[tuple[int, int]]) -> dict[tuple[int, int], float]:
        similarity = {(m, h): self.similarity(m, h) for m, h in pairs}
        return {pair: value for pair, value in similarity.items() if value >= self.threshold}

    def _hops(self) -> set[tuple[int, int]]:
        gone = self.removed[-1]
        return {(m, gone[h]) for m, h in self.edges if m not in gone and h in gone}

    def peeled(self) -> list[list[int]]:
        """What round 1 left of each bucket, its head aside."""
        return [
            [m for m in bucket[1:] if m not in self.removed[0]] for bucket in self.buckets.values()
        ]

    def similarity(self, left: int, right: int) -> float:
        one, other = self.blobs[left].signature, self.blobs[right].signature
        assert one is not None
        assert other is not None
        return estimated(one, other, self.num_perm)

    def rows(self) -> dict[str, tuple[str, float, str, int]]:
        """(kept_blob_id, similarity, established_by, round) of each removed blob."""
        gone = {}
        for place, head in enumerate(self.text_head):
            twin = self.removed[-1].get(head)
            if twin is not None:
                similarity, number = self.edges[head, twin]
                gone[place] = (self.blobs[twin].blob_id, similarity, "estimated", number)
            elif head != place:
                gone[place] = (self.blobs[head].blob_id, 1.0, "normalized_text", 0)
        return {self.blobs[place].blob_id: row for place, row in gone.items()}


def component_rows(blobs: list[Blob], num_perm: int) -> dict[str, tuple[str, float, str, int]]:
    """What the rule `components` removes in one scope, as `Search.rows` has it.

    Of equal texts the best stays; of these, whatever a chain of buckets connects is joined to its
    best, one pair after the other.
    """
    blobs = sorted(blobs, key=lambda blob: (blob.order, blob.blob_id))
    first: dict[str, int] = {}
    text_head = [first.setdefault(blob.text, place) for place, blob in enumerate(blobs)]
    best = list(range(len(blobs)))
    for place, blob in enumerate(blobs):
        for other in range(place):
            are_heads = place == text_head[place] and other == text_head[other]
            if are_heads and set(blob.bands or ()) & set(blobs[other].bands or ()):
                joined = {best[place], best[other]}
                best = [min(joined) if root in joined else root for root in best]
    rows = {}
    for place, head in enumerate(text_head):
        if best[head] != head:
            kept = blobs[best[head]]
            similarity = estimated(blobs[head].signature or b"", kept.signature or b"", num_perm)
            rows[blobs[place].blob_id] = (kept.blob_id, similarity, "component", 1)
        elif head != place:
            rows[blobs[place].blob_id] = (blobs[head].blob_id, 1.0, "normalized_text", 0)
    return rows


def with_heads(buckets: Iterable[list[int]], num_heads: int) -> set[tuple[int, int]]:
    """Each member of a bucket with the best of it, as (member, head), head < member."""
    return {(m, h) for bucket in buckets for h in bucket[:num_heads] for m in bucket if h < m}
