"""A Bloom filter with one hash function, for keys that are 64-bit hashes themselves."""

import numpy as np

from stackspark.runtime.buffers import Flags, Longs

BITS_PER_KEY = 16
"""False positive rate of at most one in sixteen; 2 to 4 bytes per key."""


class BloomFilter:
    """A set of hashes without false negatives: one bit per hash, addressed by its lowest bits."""

    def __init__(self, num_keys: int) -> None:
        num_bits = 1 << max(10, (BITS_PER_KEY * num_keys - 1).bit_length())
        self._bytes = np.zeros(num_bits // 8, np.uint8)

    def add(self, hashes: Longs) -> None:
        """Add hashes."""
        places, bits = self._places(hashes)
        np.bitwise_or.at(self._bytes, places, bits)

    def may_contain(self, hashes: Longs) -> Flags:
        """Whether each hash may have been added."""
        places, bits = self._places(hashes)
        return np.asarray(self._bytes[places] & bits != 0, np.bool_)

    def _places(self, hashes: Longs) -> tuple[Longs, np.ndarray]:
        places = hashes & (8 * len(self._bytes) - 1)
        return places >> 3, np.uint8(1) << (places & 7).astype(np.uint8)
