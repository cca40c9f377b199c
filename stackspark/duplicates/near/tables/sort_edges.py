"""Sort verified edges by (member, head) for the pass that resolves them.

Output: one row per verified edge, in order across partitions.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


@dataclass(frozen=True, kw_only=True)
class SortEdgesParams:
    """Ranks run from 0 to `num_candidates - 1`; a partition gets the edges of an equal range."""

    num_candidates: int
    ranks_per_partition: int = 1_000_000


def sort_edges(edges: DataFrame, params: SortEdgesParams) -> DataFrame:
    """Sort edges by ranges of the member.

    Ranks are dense, so the ranges are known without sampling the edges, which would compute them
    twice.

    Args:
        edges: `member`, `head` and any other columns; ranks.
        params: how many ranks there are.

    Returns:
        All columns, sorted by (member, head) within and across partitions.
    Shuffles: one, of all columns.
    """
    num_partitions = -(-max(params.num_candidates, 1) // params.ranks_per_partition)
    partition = F.floor(F.col("member") / params.ranks_per_partition).cast("int")
    ranges = edges.repartitionById(num_partitions, partition)
    return ranges.sortWithinPartitions("member", "head")
