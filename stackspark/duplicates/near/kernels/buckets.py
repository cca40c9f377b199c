"""The heads of each bucket: the least ranks among the blobs with one equal band hash."""

import numpy as np

from stackspark.duplicates.near.kernels.shingles import Hashes
from stackspark.runtime.buffers import Longs
from stackspark.runtime.compiled import compiled

MIN_SLOTS = 1 << 14
NO_HEAD = -1
FREE = np.int64(2**63 - 1)
"""Above every rank, so that a free place in a sorted row of heads is taken first."""


class BucketHeads:
    """The least ranks per band hash, in a hash table of 32 bytes or more per distinct hash.

    How many blobs share a hash does not matter.
    """

    def __init__(self, heads_per_bucket: int) -> None:
        self._keys = np.zeros(MIN_SLOTS, np.uint64)
        self._heads = np.full((MIN_SLOTS, heads_per_bucket), FREE, np.int64)
        self._used = 0

    def add(self, hashes: Hashes, ranks: Longs) -> None:
        """Add members of buckets, in any order; a pair of hash and rank only once."""
        while len(hashes):
            done, self._used = _put_minima(self._keys, self._heads, self._used, hashes, ranks)
            hashes, ranks = hashes[done:], ranks[done:]
            if len(hashes):
                self._grow()

    def heads(self, hashes: Hashes, ranks: Longs) -> Longs:
        """Heads of the bucket of each member that are better than it.

        Returns:
            Ranks in ascending order, -1 in the places that are left; shape (members,
            heads_per_bucket). Every hash was taken in.
        """
        found = np.empty((len(hashes), self._heads.shape[1]), np.int64)
        _get_heads(self._keys, self._heads, hashes, found)
        found[found >= ranks[:, np.newaxis]] = NO_HEAD
        return found

    def _grow(self) -> None:
        keys, heads = self._keys, self._heads
        self._keys = np.zeros(2 * len(keys), np.uint64)
        self._heads = np.full((len(self._keys), heads.shape[1]), FREE, np.int64)
        self._used = 0
        for place in range(heads.shape[1]):
            filled = heads[:, place] != FREE
            _, self._used = _put_minima(
                self._keys, self._heads, self._used, keys[filled], heads[filled, place]
            )


@compiled
def _put_minima(
    keys: Hashes, heads: Longs, used: int, hashes: Hashes, ranks: Longs
) -> tuple[int, int]:
    """Put members into a table until it is half full; returns how many, and the slots in use."""
    mask = np.uint64(len(keys) - 1)
    for i in range(len(hashes)):
        if 2 * used >= len(keys):
            return i, used
        slot = hashes[i] & mask
        while heads[slot, 0] != FREE and keys[slot] != hashes[i]:
            slot = (slot + np.uint64(1)) & mask
        if heads[slot, 0] == FREE:
            keys[slot] = hashes[i]
            used += 1
        rank = ranks[i]
        for place in range(heads.shape[1]):
            if rank < heads[slot, place]:
                rank, heads[slot, place] = heads[slot, place], rank
    return len(hashes), used


@compiled
def _get_heads(keys: Hashes, heads: Longs, hashes: Hashes, found: Longs) -> None:
    mask = np.uint64(len(keys) - 1)
    for i in range(len(hashes)):
        slot = hashes[i] & mask
        while keys[slot] != hashes[i] or heads[slot, 0] == FREE:
            slot = (slot + np.uint64(1)) & mask
        # Value by value: assigning rows makes numba compile its check of shapes for five seconds.
        for place in range(heads.shape[1]):
            found[i, place] = heads[slot, place]
