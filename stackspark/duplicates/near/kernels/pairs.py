"""Pairs of ranks: of equal texts, and of blobs with the kept twins of their removed neighbours."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from stackspark.duplicates.near.kernels.shingles import Hashes
from stackspark.runtime.buffers import Longs

Pairs = tuple[Longs, Longs]
"""Members and heads: ranks, of the same length."""

NO_PAIRS: Pairs = (np.zeros(0, np.int64), np.zeros(0, np.int64))


def concat_pairs(parts: Iterable[Pairs]) -> Pairs:
    """Pairs of several pieces, in their order."""
    members, heads = (np.concatenate(side) for side in zip(NO_PAIRS, *parts, strict=True))
    return members, heads


def distinct_pairs(members: Longs, heads: Longs) -> Pairs:
    """Each pair once, in the order of (member, head)."""
    order = np.lexsort((heads, members))
    members, heads = members[order], heads[order]
    is_new = np.ones(len(members), np.bool_)
    is_new[1:] = (np.diff(members) != 0) | (np.diff(heads) != 0)
    return members[is_new], heads[is_new]


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


def hops(open_edges: Iterable[pa.RecordBatch], removed: Iterable[pa.RecordBatch]) -> Pairs:
    """Pair each blob that stays with the kept twins of its removed neighbours.

    Args:
        open_edges: (`member`, `head`) of verified edges from a blob that stays to a removed one;
            held in memory.
        removed: (`member`, `head`) of removed blobs and their kept twins, by ascending member;
            streamed.

    Returns:
        Distinct pairs in the order of (member, head).
    """
    members, between = concat_pairs(map(_columns, open_edges))
    order = np.argsort(between, kind="stable")
    members, between = members[order], between[order]
    twins = np.empty_like(between)
    for batch in removed:
        gone, heads = _columns(batch)
        start, stop = np.searchsorted(between, [gone[0], gone[-1] + 1])
        twins[start:stop] = heads[np.searchsorted(gone, between[start:stop])]
    return distinct_pairs(members, twins)


def _columns(edges: pa.RecordBatch) -> Pairs:
    return edges.column("member").to_numpy(), edges.column("head").to_numpy()
