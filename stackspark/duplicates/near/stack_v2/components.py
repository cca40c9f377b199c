"""The rule of The Stack v2 for near-duplicates, for comparison: one file per component stays.

1. Each blob is linked to the best one of each of its buckets; nothing is verified.
2. Small star, then large star, each materialised, until every component is a star.
3. All of a star go but its best; the similarity of each to it is estimated, whatever it is.

A chain A ~ B ~ C removes C although it may be unlike A, and one bucket that holds strangers
joins two families: that is why this rule is not the default.

The product calls `join_components` from Spark and `best_of_components` in memory, and nothing else
of this room but the scheme `stack-v2` of MinHash.
"""

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.kernels.packing import Packer, unpacked_rows
from stackspark.duplicates.near.stack_v2.stars import BlockMinima
from stackspark.duplicates.near.tables.packed import (
    LINKS,
    PAIRS,
    BlockParams,
    Part,
    by_block,
    columns_of,
    pack_rows,
)
from stackspark.duplicates.near.tables.spool import Spool
from stackspark.errors import ContractError
from stackspark.lake.scratch import Scratch

LOGGER = logging.getLogger(__name__)

MAX_ROUNDS = 60
"""Rounds grow with the logarithm of the longest chain; random graphs of any size take under ten."""


def join_components(pairs: DataFrame, scratch: Scratch, params: BlockParams) -> DataFrame:
    """Join everything that a chain of pairs connects into a star around its best blob.

    Args:
        pairs: `PAIRS`.
        scratch: for the links between the steps; those of two steps are kept.
        params: tasks and blocks.

    Returns:
        `PAIRS` of every blob that is not the best of its component with the one that is; repeats
        are possible.

    Raises:
        ContractError: if the components were no stars after `MAX_ROUNDS` rounds.
    """
    for number in range(1, MAX_ROUNDS + 1):
        links = scratch.write(link_heads(pairs, params), "small_stars")
        linked = scratch.write(link_members(links, params), "large_stars")
        num_open = linked.agg(F.sum("num_open")).collect()[0][0]
        pairs = linked.where("num_open is null").drop("num_open")
        if not num_open:
            return pairs
        LOGGER.info("round %d of the components: %d links to go", number, num_open)
    raise ContractError(
        f"near_duplicates: components are not joined after {MAX_ROUNDS} rounds, {num_open:,} links "
        "are open; use near_duplicates.rule: cover"
    )


def link_heads(pairs: DataFrame, params: BlockParams) -> DataFrame:
    """Small star: link each member and its heads to the best of its heads.

    A block's pairs pass a task twice, from a file if they are many; in memory stand 8 bytes per
    rank of the block, so a blob may have any number of heads.

    Args:
        pairs: `PAIRS`; repeats are allowed.
        params: tasks and blocks.

    Returns:
        `LINKS`; never more links than pairs.
    Shuffles: one, on the member's block, 16 bytes a pair.
    """

    def parts_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Part]:
        for minima, links in _minima_of_blocks(batches, PAIRS, params):
            stars = (minima.small_star(*part) for part in links)
            for members, heads in (minima.better(), *stars):
                nodes = np.concatenate([members, heads])
                yield nodes // params.ranks_per_block, [nodes, np.concatenate([heads, members])]

    return pack_rows(by_block(pairs, params.num_tasks), LINKS, params.num_blocks, parts_of)


def link_members(links: DataFrame, params: BlockParams) -> DataFrame:
    """Large star: link the worse neighbours of each node to the best of its neighbours and itself.

    A block's links pass a task twice, from a file if they are many; in memory stand 8 bytes per
    rank of the block. One task takes all links of one node, 16 bytes each.

    Args:
        links: `LINKS`; repeats are allowed.
        params: tasks and blocks.

    Returns:
        `PAIRS` with the further column `num_open` (bigint). It is null but for one row per task,
        which holds no pairs: the number of links, of nodes with a better neighbour, that do not
        lead to the best one. Where it is 0 in all, the links were stars, and the pairs are the same
        links.
    Shuffles: one, on the node's block, 32 bytes a link.
    """

    def linked(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        packer = Packer(columns_of(PAIRS), params.num_blocks)
        num_open = 0
        for minima, links_of_block in _minima_of_blocks(batches, LINKS, params):
            for nodes, neighbours in links_of_block:
                (members, heads), number = minima.large_star(nodes, neighbours)
                num_open += number
                for batch in packer.add(members // params.ranks_per_block, [members, heads]):
                    yield _with_num_open(batch, None)
        for batch in packer.flush():
            yield _with_num_open(batch, None)
        nothing = {"block": pa.array([0], pa.int32()), "members": [b""], "heads": [b""]}
        yield _with_num_open(pa.RecordBatch.from_pydict(nothing), num_open)

    return by_block(links, params.num_tasks).mapInArrow(linked, f"{PAIRS}, num_open bigint")


def _minima_of_blocks(
    batches: Iterable[pa.RecordBatch], layout: str, params: BlockParams
) -> Iterator[tuple[BlockMinima, Spool]]:
    """The best neighbours of each block, and its links, from packed rows in the order of blocks."""
    rows = unpacked_rows(batches, columns_of(layout))
    for block, of_block in groupby(rows, key=itemgetter(0)):
        minima = BlockMinima(block, params.ranks_per_block)
        with Spool() as links:
            for _, (nodes, neighbours) in of_block:
                minima.add(nodes, neighbours)
                links.append([nodes, neighbours])
            yield minima, links


def _with_num_open(batch: pa.RecordBatch, num_open: int | None) -> pa.RecordBatch:
    return batch.append_column("num_open", pa.array([num_open] * batch.num_rows, pa.int64()))
