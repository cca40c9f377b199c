"""Ranks and blob ids: candidates in the order of their ranks, and the names of what was found."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

CANDIDATE_COLUMNS = ("blob_id", "scope", "normalized_hash", "band_hashes", "signature")

PAIR = ("blob_id", "other_blob_id")
"""Names of a pair, in their own order: copies change places when a rule or a star is added."""


def sort_candidates(candidates: DataFrame) -> DataFrame:
    """Sort candidates from the best copy to the worst; the place in this order is the rank.

    A global sort would number them in one task; a sort by ranges is one only in its result.

    Args:
        candidates: one row per `blob_id` with `CANDIDATE_COLUMNS` and `keep_order`, a struct whose
            ascending order puts the better copy first and that ends in `blob_id`.

    Returns:
        `CANDIDATE_COLUMNS`, sorted within partitions, with ascending ranges in ascending
        partitions.
    Shuffles: one, of all columns (0.6 kB a row); the ranges are sampled from the input first, which
        is thus computed twice.
    """
    ordered = candidates.repartitionByRange("keep_order").sortWithinPartitions("keep_order")
    return ordered.select(*CANDIDATE_COLUMNS)


def name_twins(twins: DataFrame, ranked: DataFrame) -> DataFrame:
    """Put blob ids in the place of ranks.

    Args:
        twins: (`member`, `twin`, `similarity`, `established_by`, `round`), ranks.
        ranked: one row per `rank` with `blob_id` and `scope`.

    Returns:
        One row per removed blob, as the contract `near_duplicates` has it.
    Shuffles: two of each side on the rank, unless `twins` is small enough to broadcast.
    """
    scopes = ranked.select(F.col("rank").alias("member"), "blob_id", "scope")
    named = with_ids(twins.join(scopes, on="member", how="inner"), ranked, twin="kept_blob_id")
    return named.select("blob_id", "kept_blob_id", "similarity", "established_by", "scope", "round")


def name_pairs(pairs: DataFrame, ranked: DataFrame) -> DataFrame:
    """Put blob ids beside the ranks of pairs.

    Args:
        pairs: (`member`, `head`, ...), ranks.
        ranked: one row per `rank` with `blob_id`.

    Returns:
        The pairs with `PAIR`.
    Shuffles: two of each side on the rank, unless `pairs` is small enough to broadcast.
    """
    named = with_ids(pairs, ranked, member="member_id", head="head_id")
    ids = (F.least("member_id", "head_id"), F.greatest("member_id", "head_id"))
    return named.select(
        *pairs.columns, *(each.alias(name) for each, name in zip(ids, PAIR, strict=True))
    )


def with_ids(rows: DataFrame, ranked: DataFrame, **names: str) -> DataFrame:
    """Put the blob id of each column of ranks beside it, under the name that is given for it.

    Shuffles: one of each side per column, unless `rows` is small enough to broadcast.
    """
    for column, name in names.items():
        ids = ranked.select(F.col("rank").alias(column), F.col("blob_id").alias(name))
        rows = rows.join(ids, on=column, how="inner")
    return rows
