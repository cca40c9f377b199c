"""The Stack v2's near-deduplication, written anew: its tokens, hashes, bands, edges, components.

Runs on one core and without Spark. Its faults are kept: empty tokens count, a file of fewer than
five tokens has the signature of the empty set, candidates are not verified, and of each connected
component one file stays: the best by rank.
"""

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import xxhash
from protocol import Answer, Task, serve

Hashes = npt.NDArray[np.uint32]

NGRAM_SIZE, MIN_LENGTH = 5, 5
NUM_PERM, NUM_BANDS, ROWS_PER_BAND = 250, 25, 10
MODULUS = np.uint32(4_294_967_291)
MAX_HASH = np.uint32(0xFFFFFFFF)


def main() -> None:
    """Search as asked."""
    serve(search)


def search(task: Task) -> Answer:
    """All but the best file of each component."""
    rows = pq.read_table(task.parquet, columns=["id", "text", "rank"])
    family = permutations()
    heads: dict[tuple[int, bytes], int] = {}
    parents = list(range(rows.num_rows))
    for row, text in enumerate(texts_of(rows)):
        for key in band_keys(signature(shingle_hashes(text), family)):
            union(parents, heads.setdefault(key, row), row)
    ranks, ids = rows["rank"].to_pylist(), rows["id"].to_pylist()
    best: dict[int, int] = {}
    for row in sorted(range(rows.num_rows), key=lambda row: ranks[row]):
        best.setdefault(find(parents, row), row)
    kept = set(best.values())
    return Answer(removed=[each for row, each in enumerate(ids) if row not in kept])


def texts_of(rows: object) -> Iterator[str]:
    """Texts, one at a time."""
    for batch in rows.to_batches():  # type: ignore[attr-defined]
        yield from batch["text"].to_pylist()


def permutations() -> tuple[Hashes, Hashes]:
    """Multipliers and offsets."""
    generator = np.random.RandomState(42)
    a = generator.randint(1, MODULUS, NUM_PERM, dtype=np.uint32)
    return a, generator.randint(0, MODULUS, NUM_PERM, dtype=np.uint32)


def shingle_hashes(
    text: str, ngram_size: int = NGRAM_SIZE, min_length: int = MIN_LENGTH
) -> set[int]:
    """xxh32 of each distinct n-gram of tokens, empty ones included."""
    tokens = re.split(r"\W", text.lower())
    if len(tokens) < min_length:
        return set()
    starts = range(max(1, len(tokens) - ngram_size + 1))
    shingles = {" ".join(tokens[start : start + ngram_size]) for start in starts}
    return {xxhash.xxh32_intdigest(shingle.encode()) for shingle in shingles}


def signature(hashes: set[int], family: tuple[Hashes, Hashes]) -> Hashes:
    """Least permuted hash per permutation; all products wrap at 32 bits."""
    a, b = family
    values = np.fromiter(hashes, np.uint32, len(hashes))[:, None]
    permuted = (values * a + b) % MODULUS
    return np.asarray(permuted.min(axis=0, initial=MAX_HASH))


def band_keys(minima: Hashes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each band."""
    for band in range(NUM_BANDS):
        yield band, minima[band * ROWS_PER_BAND : (band + 1) * ROWS_PER_BAND].tobytes()


def find(parents: list[int], row: int) -> int:
    """The least row of a component."""
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


def union(parents: list[int], left: int, right: int) -> None:
    """Join two components."""
    low, high = sorted((find(parents, left), find(parents, right)))
    parents[high] = low


if __name__ == "__main__":
    main()
