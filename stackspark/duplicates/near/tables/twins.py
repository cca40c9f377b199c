"""Verified edges and twins between the rounds, in ranks."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.params import NORMALIZED_TEXT

RANKS_PER_PARTITION = 1_000_000


def sort_edges(
    edges: DataFrame, num_candidates: int, ranks_per_partition: int = RANKS_PER_PARTITION
) -> DataFrame:
    """Sort edges by ranges of the member, for the pass that resolves them.

    Ranks are dense, so the ranges are known without sampling the edges, which would compute them
    twice.

    Args:
        edges: `member`, `head` and any other columns; ranks.
        num_candidates: ranks are below this number.
        ranks_per_partition: length of a range.

    Returns:
        All columns, sorted by (member, head) within and across partitions.
    Shuffles: one, of all columns.
    """
    num_partitions = -(-max(num_candidates, 1) // ranks_per_partition)
    partition = F.floor(F.col("member") / ranks_per_partition).cast("int")
    ranges = edges.repartitionById(num_partitions, partition)
    return ranges.sortWithinPartitions("member", "head")


def follow_twins(open_edges: DataFrame, removed: DataFrame) -> DataFrame:
    """Pair each blob that stays with the kept twins of its removed neighbours.

    Args:
        open_edges: (`member`, `head`) of verified edges from a blob that stays to a removed one.
        removed: (`member`, `head`) of removed blobs and their kept twins.

    Returns:
        (`member`, `head`), distinct, head < member; ranks.
    Shuffles: one of each side on the rank, unless one is small enough to broadcast.
    """
    twins = removed.select(F.col("member").alias("between"), F.col("head").alias("twin"))
    hops = open_edges.select("member", F.col("head").alias("between"))
    pairs = hops.join(twins, on="between", how="inner")
    return pairs.select("member", F.col("twin").alias("head")).distinct()


def settle_twins(text_twins: DataFrame, removed: DataFrame) -> DataFrame:
    """Give each removed blob its kept twin.

    A blob that repeats the normalised text of a head goes with it: if the head stays, the head is
    its twin; if the head was removed, so is the head's kept twin, with the head's similarity, round
    and evidence. Normalising takes away line-end differences and blanks at the ends of lines, which
    belong to no token, so the two have the same shingles. (Not by the scheme `stack-v2`, where such
    blanks are tokens: there the similarity is that of the head alone.)

    Args:
        text_twins: (`member`, `head`) of equal normalised texts.
        removed: (`member`, `head`, `similarity`, `established_by`, `round`) of near-duplicates.

    Returns:
        (`member`, `twin`, `similarity`, `established_by`, `round`); twins stay.
    Shuffles: one of each side on the rank, unless one is small enough to broadcast.
    """
    near = removed.select(
        "member", F.col("head").alias("twin"), "similarity", "established_by", "round"
    )
    heads = near.withColumnRenamed("member", "head")
    same_text = text_twins.join(heads, on="head", how="left").select(
        "member",
        F.coalesce("twin", "head").alias("twin"),
        F.coalesce("similarity", F.lit(1.0)).alias("similarity"),
        F.coalesce("established_by", F.lit(NORMALIZED_TEXT)).alias("established_by"),
        F.coalesce("round", F.lit(0)).alias("round"),
    )
    return near.unionByName(same_text)


def orphaned(twins: DataFrame) -> DataFrame:
    """The rows whose twin was itself removed; there should be none."""
    removed = twins.select(F.col("member").alias("twin"))
    return twins.join(removed, on="twin", how="left_semi")
