"""Estimate the similarity of candidate pairs from their signatures and keep the similar ones.

Output: one row per verified edge.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from stackspark.duplicates.near.kernels.buckets import NO_HEAD
from stackspark.duplicates.near.kernels.packing import Column, packed_values, unpacked_rows
from stackspark.duplicates.near.kernels.pairs import Pairs, concat_pairs
from stackspark.duplicates.near.kernels.signatures import PAIRS_PER_READ, estimate_jaccard
from stackspark.duplicates.near.tables.packed import (
    PAIR_COLUMNS,
    SIGNED_PAIRS,
    BlockParams,
    Part,
    by_block,
    pack_rows,
)
from stackspark.duplicates.near.tables.ranked_signatures import SignatureReader
from stackspark.runtime.buffers import Longs

HEAD_BITS = 44
"""Bits of a rank (17 trillion blobs); the other 19 are the member's place in its block."""


@dataclass(frozen=True, kw_only=True)
class VerifyEdgesParams:
    """`min_similarity` is the least estimate that is kept, a Jaccard similarity in 0..1.

    Pairs of members below `first_member` are not looked at.
    """

    min_similarity: float = 0.7
    first_member: int = 0
    blocks: BlockParams


def verify_edges(
    pairs: DataFrame, signatures: SignatureReader, params: VerifyEdgesParams
) -> DataFrame:
    """Keep the pairs whose signatures say that they are similar.

    Args:
        pairs: (`block`, `members`, `heads`), packed by the block of the member's rank, with as many
            heads per member as there are; repeats are tested once.
        signatures: reads the signatures of ranks.
        params: limit and blocks.

    Returns:
        (`member`, `head`, `similarity`).
    Shuffles: the pairs on the member's block (16 bytes each), then distinct pairs with the member's
        signature on the head's block (272 bytes each).
    """
    size, num_tasks = params.blocks.ranks_per_block, params.blocks.num_tasks

    def signed(batches: Iterable[pa.RecordBatch]) -> Iterator[Part]:
        rows = unpacked_rows(batches, PAIR_COLUMNS[1:])
        for block, of_block in groupby(rows, key=itemgetter(0)):
            found = concat_pairs(_pairs(*columns) for _, columns in of_block)
            members, heads = _distinct(found, block * size)
            first = int(np.searchsorted(members, params.first_member))
            for start in range(first, len(members), PAIRS_PER_READ):
                left, right = (ranks[start : start + PAIRS_PER_READ] for ranks in (members, heads))
                columns: list[Column] = [left, right, signatures.of_ranks(left)]
                yield right // size, columns

    def estimated(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            members, heads = (
                packed_values(batch.column(name), np.int64) for name in ("members", "heads")
            )
            left = packed_values(batch.column("signatures"), np.uint8).reshape(len(members), -1)
            similarity = estimate_jaccard(left, signatures.of_ranks(heads), signatures.num_perm)
            kept = similarity >= params.min_similarity
            columns = [pa.array(column[kept]) for column in (members, heads, similarity)]
            yield pa.RecordBatch.from_arrays(columns, ["member", "head", "similarity"])

    by_member = by_block(pairs.select(*PAIR_COLUMNS), num_tasks)
    with_signatures = pack_rows(by_member, SIGNED_PAIRS, params.blocks.num_blocks, signed)
    by_head = by_block(with_signatures, num_tasks)
    return by_head.mapInArrow(estimated, "member bigint, head bigint, similarity double")


def _pairs(members: Longs, heads: Longs) -> Pairs:
    """Pairs of one packed row, which has one or more heads per member."""
    members = np.repeat(members, len(heads) // len(members))
    return members[heads != NO_HEAD], heads[heads != NO_HEAD]


def _distinct(pairs: Pairs, first_rank: int) -> Pairs:
    """Distinct pairs of one block, sorted; both ranks fit into one number of 64 bits."""
    members, heads = pairs
    keys = np.unique((members - first_rank) << HEAD_BITS | heads)
    return (keys >> HEAD_BITS) + first_rank, keys & ((1 << HEAD_BITS) - 1)
