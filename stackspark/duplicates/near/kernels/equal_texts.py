"""Pairs of blobs with equal texts."""

import numpy as np

from stackspark.duplicates.near.kernels.hops import Pairs
from stackspark.duplicates.near.kernels.shingles import Hashes
from stackspark.runtime.buffers import Longs


def pair_equal(hashes: Hashes, ranks: Longs) -> Pairs:
    """Pair each blob with the best one that has the same hash.

    Args:
        hashes: of 128 bits, uint64, shape (n, 2).
        ranks: shape (n,).

    Returns:
        The blobs that are not the best of their hash, and the best ones.
    """
    left, right = hashes.T
    order = np.lexsort((ranks, right, left))
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (np.diff(left[order]) != 0) | (np.diff(right[order]) != 0)
    ranks = ranks[order]
    heads = ranks[is_first][np.cumsum(is_first) - 1]
    return ranks[~is_first], heads[~is_first]
