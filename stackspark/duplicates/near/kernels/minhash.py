"""MinHash of source code: signatures, and the band hashes that find candidates.

The permutations are those of datasketch 2 (`scheme='affine32'`), value for value: the upper 32 bits
of a shingle's hash pass MurmurHash3's finaliser, then permutation k maps h to a[k]*h + b[k] modulo
2^32, and the least value over a text's shingles is kept. All arithmetic is uint32 and wraps.

Source: Broder 1997, On the resemblance and containment of documents; Leskovec, Rajaraman, Ullman,
Mining of Massive Datasets, section 3.4 (banding).

The scheme `stack-v2` (`stack_v2.py`) takes tokens, hashes and permutations from The Stack v2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from stackspark.duplicates.near.kernels.shingles import (
    EMPTY,
    HALF,
    LANES,
    NUM_TOKENS,
    POLYNOMIAL_BASE,
    Family,
    Hashes,
    Pieces,
    Reader,
    Signature,
    mix,
    new_reader,
    read_shingles,
)
from stackspark.duplicates.near.kernels.signatures import (
    PERMUTATIONS_PER_BYTE,
    pack_signature,
    width_bytes,
)
from stackspark.duplicates.near.stack_v2.minhash import (
    UNICODE,
    sign_stack_v2_text,
    stack_v2_permutations,
    stack_v2_readers,
    stack_v2_shingles,
)
from stackspark.errors import InvalidParamsError
from stackspark.runtime.buffers import Bytes, Flags, Longs, nullable_binary
from stackspark.runtime.compiled import compiled, inlined

if TYPE_CHECKING:
    import datasketch

Scheme = Literal["stackspark", "stack-v2"]
STACKSPARK: Final = "stackspark"
STACK_V2: Final = "stack-v2"

SHINGLES_PER_PIECE = 2048
"""Shingles hashed before their minima are taken: 24 kB of buffers, which stay in the L1 cache."""

NUM_SLOTS = 4096
"""Slots for hashes that a text had before, a power of two: 16 kB."""

UNROLLED = 4
"""Permutations that share each load of a shingle's hash."""


class Results(NamedTuple):
    """Arrays that `measure_shingles` fills."""

    num_tokens: Longs
    num_shingles: Longs
    band_hashes: Hashes
    signatures: Bytes
    valid: Flags


@dataclass(frozen=True, kw_only=True)
class MinHashParams:
    """How texts become signatures and band hashes.

    Attributes:
        scheme: stackspark (tokens of letters, digits and underscores; 64-bit hashes), or stack-v2:
            the original's measurement, where every other character is a token's end and empty
            tokens count. The original's own parameters are then 250 permutations of seed 42, 25
            bands of 10 rows, 5 tokens; it puts shorter texts into all buckets together, here they
            get no signature.
        num_perm: permutations, the values of a signature.
        num_bands: bands, the buckets of a text.
        rows_per_band: values of a signature in each band; those beyond the last band only help to
            estimate similarities.
        ngram_size: tokens of a shingle.
        min_tokens: least number of tokens for which a text gets a signature; shorter ones are
            compared by their normalised text only.
        seed: of the permutations.
        lowercase: whether upper and lower case are the same.
    """

    scheme: Scheme = STACKSPARK
    num_perm: int = 1024
    num_bands: int = 36
    rows_per_band: int = 7
    ngram_size: int = 5
    min_tokens: int = 10
    seed: int = 1
    lowercase: bool = True

    def __post_init__(self) -> None:
        if self.scheme == STACK_V2 and not self.lowercase:
            raise InvalidParamsError("scheme stack-v2 needs lowercase: true, found false")
        for name in ("num_perm", "num_bands", "rows_per_band", "ngram_size"):
            if getattr(self, name) < 1:
                raise InvalidParamsError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.num_bands * self.rows_per_band > self.num_perm:
            raise InvalidParamsError(
                f"num_bands * rows_per_band must be at most num_perm = {self.num_perm}, "
                f"found {self.num_bands} * {self.rows_per_band}"
            )
        if self.min_tokens < self.ngram_size:
            raise InvalidParamsError(
                f"min_tokens must be at least ngram_size = {self.ngram_size}, "
                f"found {self.min_tokens}"
            )
        if not 0 <= self.seed < 2**32:
            raise InvalidParamsError(f"seed must be in 0 .. 2^32 - 1, found {self.seed}")

    @property
    def version(self) -> str:
        """Name of the measurement: equal versions give equal values for equal texts."""
        case = "lower" if self.lowercase else "cased"
        tokens, family = f"shingles-2/{case}", "affine32"
        if self.scheme == STACK_V2:
            tokens, family = f"stack-v2-1/unicode{UNICODE}", "prime32"
        return (
            f"{tokens}/ngram{self.ngram_size}/min{self.min_tokens}"
            f"/{family}-seed{self.seed}/{self.num_perm}x2bit/{self.num_bands}x{self.rows_per_band}"
        )


@cache
def permutations(num_perm: int, seed: int) -> Family:
    """Multipliers a and offsets b of datasketch's `affine32`, shape (num_perm,), uint32.

    Drawn as datasketch 2 draws them, from NumPy's frozen legacy generator; importing datasketch
    itself would cost every Python worker 2 CPU seconds.
    """
    generator = np.random.RandomState(seed)
    halves = generator.randint(0, 1 << 31, num_perm, dtype=np.uint32)
    offsets = generator.randint(0, 1 << 32, num_perm, dtype=np.uint32)
    return halves * np.uint32(2) + np.uint32(1), offsets


def measure_shingles(texts: pa.Array, params: MinHashParams) -> dict[str, pa.Array]:
    """Count tokens and shingles of texts and take their MinHash.

    Memory beside the texts: 40 kB, and 0.5 kB of results per text, however long the texts are. The
    scheme `stack-v2` copies a text with characters beyond ASCII, one at a time.

    Args:
        texts: string or large_string; a null counts as an empty text.
        params: tokens, shingles, permutations and bands.

    Returns:
        Arrays of the length of `texts`: num_tokens and num_shingles (int64, repeats counted; no
        shingles where there are fewer than `min_tokens` tokens), band_hashes (binary, 8
        bytes per band) and signature (binary, 2 bits per permutation), both null without
        shingles.
    """
    results = Results(
        num_tokens=np.zeros(len(texts), np.int64),
        num_shingles=np.zeros(len(texts), np.int64),
        band_hashes=np.empty((len(texts), params.num_bands), np.uint64),
        signatures=np.empty((len(texts), width_bytes(params.num_perm)), np.uint8),
        valid=np.zeros(len(texts), np.bool_),
    )
    limits = (params.rows_per_band, params.min_tokens, params.scheme == STACK_V2)
    num_done = num_valid = 0
    for reader in _readers(texts, params):
        done = num_done, num_valid
        num_done, num_valid = _measure_texts(reader, _family(params), limits, done, results)
    return {
        "num_tokens": pa.array(results.num_tokens),
        "num_shingles": pa.array(results.num_shingles),
        "band_hashes": nullable_binary(
            results.band_hashes[:num_valid].view(np.uint8), results.valid
        ),
        "signature": nullable_binary(results.signatures[:num_valid], results.valid),
    }


def full_signatures(texts: pa.Array, params: MinHashParams) -> Signature:
    """Whole MinHash signatures, shape (len(texts), num_perm), uint32.

    A text of fewer than `min_tokens` tokens has the signature of the empty set, all 2^32 - 1.
    """
    family = _family(params)
    signatures = np.full((len(texts), len(family[0])), EMPTY, np.uint32)
    row = 0
    for reader in _readers(texts, params):
        num_texts = len(reader.offsets) - 1
        rows = signatures[row : row + num_texts]
        _sign_texts(reader, family, params.min_tokens, params.scheme == STACK_V2, rows)
        row += num_texts
    return signatures[:, : params.num_perm]


def hash_shingles(texts: pa.Array, params: MinHashParams) -> Iterator[Hashes]:
    """All shingles of each text as 64-bit hashes, in order and with repeats.

    A text of fewer than `min_tokens` tokens has none.
    """
    listed = stack_v2_shingles if params.scheme == STACK_V2 else _text_shingles
    for reader in _readers(texts, params):
        for row in range(len(reader.offsets) - 1):
            hashes = listed(reader, row)
            yield hashes[: len(hashes) if reader.state[NUM_TOKENS] >= params.min_tokens else 0]


def _text_shingles(reader: Reader, row: int) -> Hashes:
    start, end = reader.offsets[row], reader.offsets[row + 1]
    reader.state[:] = 0
    # A token is followed by a byte that ends it, so a text has at most half as many shingles.
    room = np.empty((end - start) // 2 + 1, np.uint64)
    _, count = read_shingles(reader, start, end, room)
    return room[:count]


def as_datasketch(signature: Signature, params: MinHashParams) -> "datasketch.MinHash":
    """One row of `full_signatures` as a `datasketch.MinHash`, ready for its indexes.

    Raises:
        InvalidParamsError: by the scheme `stack-v2`, whose permutations datasketch has not.
    """
    if params.scheme != STACKSPARK:
        raise InvalidParamsError(f"datasketch needs scheme: stackspark, found {params.scheme}")
    import datasketch  # noqa: PLC0415 - 2 CPU seconds that only its users should pay

    return datasketch.MinHash(
        hashvalues=signature,
        permutations=permutations(params.num_perm, params.seed),
        seed=params.seed,
        scheme="affine32",
    )


def _readers(texts: pa.Array, params: MinHashParams) -> Iterator[Reader]:
    if params.scheme == STACK_V2:
        return stack_v2_readers(texts, params.ngram_size)
    return iter([new_reader(texts, params.ngram_size, params.lowercase)])


@cache
def _family(params: MinHashParams) -> Family:
    """Permutations up to a full byte of a signature; those beyond `num_perm` map all to 0."""
    draw = stack_v2_permutations if params.scheme == STACK_V2 else permutations
    places = (0, -params.num_perm % PERMUTATIONS_PER_BYTE)
    a, b = (np.pad(part, places) for part in draw(params.num_perm, params.seed))
    return a, b


@inlined
def _premix(value: np.uint32) -> np.uint32:
    """MurmurHash3's 32-bit finaliser, as datasketch applies it before the permutations.

    numba multiplies 32-bit numbers in 64 bits, so each product is cut back.
    """
    value ^= value >> np.uint32(16)
    value = np.uint32(value * np.uint32(0x85EBCA6B))
    value ^= value >> np.uint32(13)
    value = np.uint32(value * np.uint32(0xC2B2AE35))
    return np.uint32(value ^ (value >> np.uint32(16)))


@compiled
def _take_minima(hashes: Signature, count: int, family: Family, minima: Signature) -> None:
    a, b = family
    for k in range(0, len(a), UNROLLED):
        a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
        b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
        m0, m1, m2, m3 = minima[k], minima[k + 1], minima[k + 2], minima[k + 3]
        for i in range(count):
            value = hashes[i]
            m0 = min(m0, np.uint32(a0 * value + b0))
            m1 = min(m1, np.uint32(a1 * value + b1))
            m2 = min(m2, np.uint32(a2 * value + b2))
            m3 = min(m3, np.uint32(a3 * value + b3))
        minima[k], minima[k + 1], minima[k + 2], minima[k + 3] = m0, m1, m2, m3


@compiled
def _sign_text(reader: Reader, row: int, family: Family, pieces: Pieces, minima: Signature) -> int:
    """Take the minima of one text; returns its number of shingles, the reader has its tokens."""
    reader.state[:] = np.uint64(0)
    minima[:] = EMPTY
    for slot in range(NUM_SLOTS):
        pieces.seen[slot] = ~np.uint32(slot)  # no hash of this slot
    num_shingles = 0
    position, end = reader.offsets[row], reader.offsets[row + 1]
    while position < end:
        position, count = read_shingles(reader, position, end, pieces.shingles)
        num_new = _new_hashes(pieces, count)
        padded = (num_new + LANES - 1) // LANES * LANES
        pieces.hashes[num_new:padded] = pieces.hashes[num_new - 1]
        _take_minima(pieces.hashes, padded, family, minima)
        num_shingles += count
    return num_shingles


@compiled
def _new_hashes(pieces: Pieces, count: int) -> int:
    """Hash what is permuted of each shingle, and leave out some that were there before."""
    num_new = 0
    for i in range(count):
        value = _premix(np.uint32(pieces.shingles[i] >> HALF))
        slot = value & np.uint32(NUM_SLOTS - 1)
        pieces.hashes[num_new] = value
        num_new += int(pieces.seen[slot] != value)
        pieces.seen[slot] = value
    return num_new


@compiled
def _hash_bands(minima: Signature, rows_per_band: int, band_hashes: Hashes) -> None:
    for band in range(len(band_hashes)):
        value = np.uint64(band + 1) * POLYNOMIAL_BASE
        for row in range(band * rows_per_band, (band + 1) * rows_per_band):
            value = mix(value + np.uint64(minima[row]))
        band_hashes[band] = value


@compiled
def _new_pieces() -> Pieces:
    shingles = np.empty(SHINGLES_PER_PIECE, np.uint64)
    hashes = np.empty(SHINGLES_PER_PIECE, np.uint32)
    return Pieces(shingles, hashes, np.empty(NUM_SLOTS, np.uint32))


@compiled
def _measure_texts(
    reader: Reader,
    family: Family,
    limits: tuple[int, int, bool],
    done: tuple[int, int],
    results: Results,
) -> tuple[int, int]:
    """Fill the results of further texts; those of texts with shingles stand in the first rows.

    Args:
        reader: of the texts.
        family: permutations.
        limits: rows_per_band, min_tokens, and whether the scheme is `stack-v2`.
        done: texts measured before, and those of them with shingles.
        results: to be filled.

    Returns:
        Texts measured so far, and those of them with shingles.
    """
    rows_per_band, min_tokens, is_stack_v2 = limits
    num_done, num_valid = done
    pieces = _new_pieces()
    minima = np.empty(len(family[0]), np.uint32)
    for place in range(len(reader.offsets) - 1):
        row = num_done + place
        if is_stack_v2:
            num_shingles = sign_stack_v2_text(reader, place, family, pieces, minima)
        else:
            num_shingles = _sign_text(reader, place, family, pieces, minima)
        results.num_tokens[row] = reader.state[NUM_TOKENS]
        if results.num_tokens[row] < min_tokens:
            continue
        results.num_shingles[row] = num_shingles
        results.valid[row] = True
        _hash_bands(minima, rows_per_band, results.band_hashes[num_valid])
        pack_signature(minima, results.signatures[num_valid])
        num_valid += 1
    return num_done + len(reader.offsets) - 1, num_valid


@compiled
def _sign_texts(
    reader: Reader, family: Family, min_tokens: int, is_stack_v2: bool, signatures: Signature
) -> None:
    pieces = _new_pieces()
    minima = np.empty(len(family[0]), np.uint32)
    for row in range(len(signatures)):
        if is_stack_v2:
            sign_stack_v2_text(reader, row, family, pieces, minima)
        else:
            _sign_text(reader, row, family, pieces, minima)
        if reader.state[NUM_TOKENS] >= min_tokens:
            for k in range(len(minima)):
                signatures[row, k] = minima[k]
