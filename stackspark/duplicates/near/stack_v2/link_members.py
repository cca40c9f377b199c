"""Link the worse neighbours of each blob to the best of its neighbours: the large star.

Output: packed rows of (member, head) by block of the member, and how far from stars the input was.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.kernels.packing import PACKED_PAIRS, Packer, columns_of
from stackspark.duplicates.near.stack_v2.stars import BlockMinima, Links, links_of_blocks
from stackspark.duplicates.near.tables.spool import Spool


@dataclass(frozen=True, kw_only=True)
class LinkMembersParams:
    """Partitions of the shuffle, and blocks of `ranks_per_block` ranks."""

    num_tasks: int
    num_blocks: int
    ranks_per_block: int


def link_members(links: DataFrame, params: LinkMembersParams) -> DataFrame:
    """Link the worse neighbours of each node to the best of its neighbours and itself.

    A block's links pass a task twice, from a file if they are many; in memory stand 8 bytes per
    rank of the block. One task takes all links of one node, 16 bytes each.

    Args:
        links: `PACKED_LINKS`, each link from both its ends; repeats are allowed.
        params: blocks.

    Returns:
        `PACKED_PAIRS` with the further column `num_open` (bigint). It is null but for one row
        per task, which holds no pairs: the number of links, of nodes with a better neighbour, that
        do not lead to the best one. Where it is 0 in all, the links were stars, and the pairs are
        the same links.
    Shuffles: one, on the node's block, 32 bytes a link.
    """
    by_block = links.repartitionById(params.num_tasks, F.col("block") % params.num_tasks)
    return by_block.sortWithinPartitions("block").mapInArrow(
        _linker(params), f"{PACKED_PAIRS}, num_open bigint"
    )


def _linker(
    params: LinkMembersParams,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def link(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        packer = Packer(columns_of(PACKED_PAIRS), params.num_blocks)
        num_open = 0
        for block, links in links_of_blocks(batches, ("nodes", "neighbours")):
            for (members, heads), number in _large_stars(block, links, params):
                num_open += number
                blocks = members // params.ranks_per_block
                for batch in packer.add(blocks, [members, heads]):
                    yield _with_num_open(batch, None)
        for batch in packer.flush():
            yield _with_num_open(batch, None)
        nothing = {"block": pa.array([0], pa.int32()), "members": [b""], "heads": [b""]}
        yield _with_num_open(pa.RecordBatch.from_pydict(nothing), num_open)

    return link


def _large_stars(
    block: int, links: Iterator[Links], params: LinkMembersParams
) -> Iterator[tuple[Links, int]]:
    minima = BlockMinima(block, params.ranks_per_block)
    with Spool() as spool:
        for nodes, neighbours in links:
            minima.add(nodes, neighbours)
            spool.append([nodes, neighbours])
        for nodes, neighbours in spool:
            yield minima.large_star(nodes, neighbours)


def _with_num_open(batch: pa.RecordBatch, num_open: int | None) -> pa.RecordBatch:
    return batch.append_column("num_open", pa.array([num_open] * batch.num_rows, pa.int64()))
