"""The distinct shingles of texts as sorted 64-bit hashes, and the Jaccard similarity of two sets.

Exact but for two different shingles of one hash: of two files of a million shingles each, that has
a chance of one in ten million.
"""

import numpy as np
import pyarrow as pa

from stackspark.duplicates.near.kernels.minhash import MinHashParams, hash_shingles
from stackspark.duplicates.near.kernels.shingles import Hashes
from stackspark.runtime.compiled import compiled


def shingle_sets(texts: pa.Array, params: MinHashParams) -> pa.Array:
    """Distinct shingles of each text.

    Args:
        texts: string or large_string; a null counts as an empty text.
        params: tokens and shingles.

    Returns:
        large_binary, the ascending uint64 hashes of each text, 8 bytes each; empty where the text
        has fewer than `min_tokens` tokens. Memory: 8 bytes per token of one text beside them.
    """
    sets = [np.unique(hashes).tobytes() for hashes in hash_shingles(texts, params)]
    return pa.array(sets, pa.binary())


def jaccard(left: Hashes, right: Hashes) -> float:
    """Jaccard similarity of two sets given as ascending arrays; 0 if both are empty."""
    num_common = _num_common(left, right)
    num_all = len(left) + len(right) - num_common
    return num_common / num_all if num_all else 0.0


@compiled
def _num_common(left: Hashes, right: Hashes) -> int:
    i, j, count = 0, 0, 0
    while i < len(left) and j < len(right):
        a, b = left[i], right[j]
        count += a == b
        i += a <= b
        j += b <= a
    return count
