"""Link each blob and its better neighbours to the best of them: the small star.

Output: packed rows of (node, neighbour) by block of the node, each link from both its ends.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.kernels.packing import PACKED_LINKS, Packer, columns_of
from stackspark.duplicates.near.stack_v2.stars import BlockMinima, Links, links_of_blocks
from stackspark.duplicates.near.tables.spool import Spool


@dataclass(frozen=True, kw_only=True)
class LinkHeadsParams:
    """Partitions of the shuffle, and blocks of `ranks_per_block` ranks."""

    num_tasks: int
    num_blocks: int
    ranks_per_block: int


def link_heads(pairs: DataFrame, params: LinkHeadsParams) -> DataFrame:
    """Link each member and its heads to the best of its heads.

    A block's pairs pass a task twice, from a file if they are many; in memory stand 8 bytes per
    rank of the block, so a blob may have any number of heads.

    Args:
        pairs: (`block`, `members`, `heads`), packed by the block of the member's rank; repeats are
            allowed.
        params: blocks.

    Returns:
        `PACKED_LINKS`; never more links than pairs.
    Shuffles: one, on the member's block, 16 bytes a pair.
    """
    by_block = pairs.repartitionById(params.num_tasks, F.col("block") % params.num_tasks)
    return by_block.sortWithinPartitions("block").mapInArrow(_linker(params), PACKED_LINKS)


def _linker(
    params: LinkHeadsParams,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def link(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        packer = Packer(columns_of(PACKED_LINKS), params.num_blocks)
        for block, pairs in links_of_blocks(batches, ("members", "heads")):
            for members, heads in _small_stars(block, pairs, params):
                nodes = np.concatenate([members, heads])
                neighbours = np.concatenate([heads, members])
                yield from packer.add(nodes // params.ranks_per_block, [nodes, neighbours])
        yield from packer.flush()

    return link


def _small_stars(block: int, pairs: Iterator[Links], params: LinkHeadsParams) -> Iterator[Links]:
    minima = BlockMinima(block, params.ranks_per_block)
    with Spool() as spool:
        for members, heads in pairs:
            minima.add(members, heads)
            spool.append([members, heads])
        yield minima.better()
        for members, heads in spool:
            yield minima.small_star(members, heads)
