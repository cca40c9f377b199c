"""Pack pairs of blobs by the block of the member's rank.

Output: packed rows of (member, head).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame

from stackspark.duplicates.near.kernels.packing import PACKED_PAIRS, Packer, columns_of


@dataclass(frozen=True, kw_only=True)
class PackPairsParams:
    """Blocks of `ranks_per_block` ranks."""

    num_blocks: int
    ranks_per_block: int


def pack_pairs(pairs: DataFrame, params: PackPairsParams) -> DataFrame:
    """Pack pairs of blobs.

    Args:
        pairs: one row per (`member`, `head`), ranks; a pair of one removed blob and its twin too.
        params: blocks.

    Returns:
        `PACKED_PAIRS`.
    Shuffles: none.
    """
    return pairs.select("member", "head").mapInArrow(_packer(params), PACKED_PAIRS)


def _packer(
    params: PackPairsParams,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def pack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        packer = Packer(columns_of(PACKED_PAIRS), params.num_blocks)
        for batch in batches:
            members, heads = (batch.column(name).to_numpy() for name in ("member", "head"))
            yield from packer.add(members // params.ranks_per_block, [members, heads])
        yield from packer.flush()

    return pack
