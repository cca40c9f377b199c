"""Estimate the similarity of candidate pairs from their signatures and keep the similar ones.

Output: one row per verified edge.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.kernels.buckets import NO_HEAD
from stackspark.duplicates.near.kernels.packing import Column, Packer, packed_values
from stackspark.duplicates.near.kernels.signatures import PAIRS_PER_READ, estimate_jaccard
from stackspark.duplicates.near.tables.ranked_signatures import SignatureReader
from stackspark.runtime.buffers import Longs

SIGNED_PAIRS = "block int, members binary, heads binary, signatures binary"
"""Pairs with the members' signatures; `block` is the block of the head's rank."""


@dataclass(frozen=True, kw_only=True)
class VerifyEdgesParams:
    """`min_similarity` is the least estimate that is kept, a Jaccard similarity in 0..1.

    Pairs of members below `first_member` are not looked at. Ranks fall into blocks of
    `ranks_per_block`; `num_tasks` is the number of shuffle partitions.
    """

    min_similarity: float = 0.7
    first_member: int = 0
    num_tasks: int
    num_blocks: int
    ranks_per_block: int


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
    by_member = _by_block(pairs.select("block", "members", "heads"), params)
    signed = by_member.mapInArrow(_signer(signatures, params), SIGNED_PAIRS)
    return _by_block(signed, params).mapInArrow(
        _estimator(signatures, params), "member bigint, head bigint, similarity double"
    )


def _by_block(packed: DataFrame, params: VerifyEdgesParams) -> DataFrame:
    by_block = packed.repartitionById(params.num_tasks, F.col("block") % params.num_tasks)
    return by_block.sortWithinPartitions("block")


def _signer(
    signatures: SignatureReader, params: VerifyEdgesParams
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def sign(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        packer = Packer(["members", "heads", "signatures"], params.num_blocks)
        for block, rows in groupby(_rows(batches), key=lambda row: row[0]):
            pieces = [(members, heads) for _, members, heads in rows]
            members, heads = _distinct(pieces, block * params.ranks_per_block)
            first = int(np.searchsorted(members, params.first_member))
            members, heads = members[first:], heads[first:]
            for start in range(0, len(members), PAIRS_PER_READ):
                left, right = (ranks[start : start + PAIRS_PER_READ] for ranks in (members, heads))
                columns: list[Column] = [left, right, signatures.of_ranks(left)]
                yield from packer.add(right // params.ranks_per_block, columns)
        yield from packer.flush()

    return sign


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, Longs, Longs]]:
    for batch in batches:
        blocks = batch.column("block").to_numpy()
        for row in range(batch.num_rows):
            members, heads = (
                packed_values(batch.column(name)[row : row + 1], np.int64)
                for name in ("members", "heads")
            )
            members = np.repeat(members, len(heads) // len(members))
            yield int(blocks[row]), members[heads != NO_HEAD], heads[heads != NO_HEAD]


def _distinct(pieces: list[tuple[Longs, Longs]], first_rank: int) -> tuple[Longs, Longs]:
    """Distinct pairs of one block, sorted; both ranks fit into one number of 64 bits."""
    members, heads = (np.concatenate(column) for column in zip(*pieces, strict=True))
    keys = np.unique((members - first_rank) << HEAD_BITS | heads)
    return (keys >> HEAD_BITS) + first_rank, keys & ((1 << HEAD_BITS) - 1)


HEAD_BITS = 44
"""Bits of a rank (17 trillion blobs); the other 19 are the member's place in its block."""


def _estimator(
    signatures: SignatureReader, params: VerifyEdgesParams
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def estimate(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            members, heads = (
                packed_values(batch.column(name), np.int64) for name in ("members", "heads")
            )
            left = packed_values(batch.column("signatures"), np.uint8).reshape(len(members), -1)
            similarity = estimate_jaccard(left, signatures.of_ranks(heads), signatures.num_perm)
            kept = similarity >= params.min_similarity
            columns = [pa.array(column[kept]) for column in (members, heads, similarity)]
            yield pa.RecordBatch.from_arrays(columns, ["member", "head", "similarity"])

    return estimate
