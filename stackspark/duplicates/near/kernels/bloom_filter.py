"""A small stand-in for a set of 64-bit hashes: it may say yes too often, never no by mistake."""

import numpy as np

from stackspark.runtime.buffers import Flags, Longs

BITS_PER_KEY = 16
"""So that at most one strange key in sixteen passes; 2 to 4 bytes per key."""


class Bitmap:
    """One bit per hash, at its lowest bits."""

    def __init__(self, num_keys: int) -> None:
        num_bits = 1 << max(10, (BITS_PER_KEY * num_keys - 1).bit_length())
        self._bytes = np.zeros(num_bits // 8, np.uint8)

    def add(self, hashes: Longs) -> None:
        """Take hashes in."""
        places, bits = self._places(hashes)
        np.bitwise_or.at(self._bytes, places, bits)

    def may_contain(self, hashes: Longs) -> Flags:
        """Whether each hash may be one that was taken in."""
        places, bits = self._places(hashes)
        return np.asarray(self._bytes[places] & bits != 0, np.bool_)

    def _places(self, hashes: Longs) -> tuple[Longs, np.ndarray]:
        places = hashes & (8 * len(self._bytes) - 1)
        return places >> 3, np.uint8(1) << (places & 7).astype(np.uint8)
