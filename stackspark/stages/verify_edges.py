"""Estimate the similarity of candidate pairs from their signatures and keep the similar ones.

Output: one row per verified edge.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.kernels.signatures import estimate_jaccard


@dataclass(frozen=True, kw_only=True)
class VerifyEdgesParams:
    """`min_similarity` is the least estimate that is kept, a Jaccard similarity in 0..1."""

    min_similarity: float = 0.7
    num_perm: int = 1024


def verify_edges(pairs: DataFrame, signatures: DataFrame, params: VerifyEdgesParams) -> DataFrame:
    """Keep the pairs whose signatures say that they are similar.

    Args:
        pairs: (`member`, `head`), ranks; repeats are tested once.
        signatures: (`rank`, `signature`), one row per rank, none null.
        params: limit and width.

    Returns:
        (`member`, `head`, `similarity`).
    Shuffles: the pairs (16 bytes) and signatures on the member, then pairs with one signature
        (272 bytes) and signatures on the head.
    """
    members = signatures.select(F.col("rank").alias("member"), F.col("signature").alias("left"))
    heads = signatures.select(F.col("rank").alias("head"), F.col("signature").alias("right"))
    distinct = pairs.select("member", "head").distinct()
    both = distinct.join(members, on="member", how="inner").join(heads, on="head", how="inner")
    estimates = both.select("member", "head", "left", "right").mapInArrow(
        _estimator(params.num_perm), "member bigint, head bigint, similarity double"
    )
    return estimates.where(F.col("similarity") >= params.min_similarity)


def _estimator(
    num_perm: int,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def estimate(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            similarity = estimate_jaccard(batch.column("left"), batch.column("right"), num_perm)
            columns = [batch.column("member"), batch.column("head"), similarity]
            yield pa.RecordBatch.from_arrays(columns, ["member", "head", "similarity"])

    return estimate
