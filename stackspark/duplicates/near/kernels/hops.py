"""Two hops in memory: blobs whose verified neighbour went, and that neighbour's kept twin."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from stackspark.runtime.buffers import Longs

Pairs = tuple[Longs, Longs]
"""Members and heads: ranks, of the same length."""


def distinct_pairs(members: Longs, heads: Longs) -> Pairs:
    """Each pair once, in the order of (member, head)."""
    order = np.lexsort((heads, members))
    members, heads = members[order], heads[order]
    is_new = np.ones(len(members), np.bool_)
    is_new[1:] = (np.diff(members) != 0) | (np.diff(heads) != 0)
    return members[is_new], heads[is_new]


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
    members, between = _columns(open_edges)
    order = np.argsort(between, kind="stable")
    members, between = members[order], between[order]
    twins = np.empty_like(between)
    for batch in removed:
        gone, heads = _columns([batch])
        start, stop = np.searchsorted(between, [gone[0], gone[-1] + 1])
        twins[start:stop] = heads[np.searchsorted(gone, between[start:stop])]
    return distinct_pairs(members, twins)


def _columns(batches: Iterable[pa.RecordBatch]) -> Pairs:
    edges = [(batch.column("member"), batch.column("head")) for batch in batches]
    members, heads = (
        np.concatenate([np.zeros(0, np.int64), *(pair[side].to_numpy() for pair in edges)])
        for side in (0, 1)
    )
    return members, heads
