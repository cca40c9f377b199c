"""Signatures at 2 bits per permutation, and the Jaccard similarity that they estimate.

Two permutations agree on their 2 bits if their minima are equal (probability J) or by chance
(a quarter of the rest). With f the share that agrees, J = (f - 1/4) / (3/4). Standard error at
J 0.7 with 1,024 permutations: 0.016.

Source: Li and Koenig 2010, b-Bit minwise hashing.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stackspark.kernels.buffers import Bytes, fixed_width_rows
from stackspark.kernels.compiled import compiled

PERMUTATIONS_PER_BYTE = 4

REMIX = np.uint32(0x9E3779B1)
"""Minima are small numbers: their upper bits are mostly 0. Two bits come from a remix instead."""


@compiled
def pack_signature(minima: npt.NDArray[np.uint32], packed: Bytes) -> None:
    """Pack the minima of 4 permutations into each byte, the first in the upper bits."""
    for i in range(len(packed)):
        byte = np.uint32(0)
        for k in range(PERMUTATIONS_PER_BYTE * i, PERMUTATIONS_PER_BYTE * (i + 1)):
            byte = (byte << np.uint32(2)) | (np.uint32(minima[k] * REMIX) >> np.uint32(30))
        packed[i] = byte


def estimate_jaccard(left: pa.Array, right: pa.Array, num_perm: int) -> pa.Array:
    """Estimate the Jaccard similarity of pairs of packed signatures.

    Args:
        left: binary, `num_perm / 4` bytes each, no nulls.
        right: as `left`, of the same length.
        num_perm: permutations of a signature.

    Returns:
        Estimates in 0..1, float64.

    Raises:
        ValueError: if a signature is null or of another width.
    """
    width_bytes = num_perm // PERMUTATIONS_PER_BYTE
    estimates = np.empty(len(left), np.float64)
    _estimate_pairs(
        fixed_width_rows(left, width_bytes), fixed_width_rows(right, width_bytes), estimates
    )
    return pa.array(estimates)


@compiled
def _estimate_pairs(left: Bytes, right: Bytes, estimates: npt.NDArray[np.float64]) -> None:
    width_bytes = left.shape[1]
    one, two, pairs, low = np.uint8(1), np.uint8(2), np.uint8(0x33), np.uint8(0x0F)
    for row in range(len(estimates)):
        differing = 0
        for i in range(width_bytes):
            bits = left[row, i] ^ right[row, i]
            bits = (bits | (bits >> one)) & np.uint8(0x55)
            bits = (bits & pairs) + ((bits >> two) & pairs)
            differing += (bits + (bits >> np.uint8(4))) & low
        agreeing = 1.0 - differing / (PERMUTATIONS_PER_BYTE * width_bytes)
        estimates[row] = max(0.0, (agreeing - 0.25) / 0.75)
