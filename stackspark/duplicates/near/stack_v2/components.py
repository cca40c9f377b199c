"""The rule of The Stack v2 for near-duplicates, for comparison: one file per component stays.

1. Each blob is linked to the best one of each of its buckets; nothing is verified.
2. Small star, then large star, each materialised, until every component is a star.
3. All of a star go but its best; the similarity of each to it is estimated, whatever it is.

A chain A ~ B ~ C removes C although it may be unlike A, and one bucket that holds strangers
joins two families: that is why this rule is not the default.
"""

import logging

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.stack_v2.link_heads import LinkHeadsParams, link_heads
from stackspark.duplicates.near.stack_v2.link_members import LinkMembersParams, link_members
from stackspark.errors import ContractError
from stackspark.lake.scratch import Scratch

LOGGER = logging.getLogger(__name__)

MAX_ROUNDS = 60
"""Rounds grow with the logarithm of the longest chain; random graphs of any size take under ten."""


def join_components(
    pairs: DataFrame, scratch: Scratch, num_tasks: int, blocks: dict[str, int]
) -> DataFrame:
    """Join everything that a chain of pairs connects into a star around its best blob.

    Args:
        pairs: (`block`, `members`, `heads`), packed by the block of the member's rank.
        scratch: for the links between the steps; those of two steps are kept.
        num_tasks: partitions of a shuffle.
        blocks: `num_blocks` and `ranks_per_block` of the ranks.

    Returns:
        `PACKED_PAIRS` of every blob that is not the best of its component with the one that is;
        repeats are possible.

    Raises:
        ContractError: if the components were no stars after `MAX_ROUNDS` rounds.
    """
    small = LinkHeadsParams(num_tasks=num_tasks, **blocks)
    large = LinkMembersParams(num_tasks=num_tasks, **blocks)
    for number in range(1, MAX_ROUNDS + 1):
        links = scratch.write(link_heads(pairs, small), "small_stars")
        linked = scratch.write(link_members(links, large), "large_stars")
        num_open = linked.agg(F.sum("num_open")).collect()[0][0]
        pairs = linked.where("num_open is null").drop("num_open")
        if not num_open:
            return pairs
        LOGGER.info("round %d of the components: %d links to go", number, num_open)
    raise ContractError(
        f"near_duplicates: components are not joined after {MAX_ROUNDS} rounds, {num_open:,} links "
        "are open; use near_duplicates.rule: cover"
    )
