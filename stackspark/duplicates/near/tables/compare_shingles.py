"""Compute the Jaccard similarity of pairs of blobs from their distinct shingles.

Output: one row per pair.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.near.kernels.shingle_sets import jaccard

COMPARED = pa.schema({"member": pa.int64(), "head": pa.int64(), "similarity": pa.float64()})
HEAD_ITSELF = -1
"""Member of the row that brings a head's own shingles; it sorts before every rank."""


def compare_shingles(pairs: DataFrame, sets: DataFrame, num_tasks: int) -> DataFrame:
    """Compare the shingles of each pair.

    Pairs of one head pass a task one after the other: it holds the head's shingles and those of one
    batch of members, however many there are.

    Args:
        pairs: (`member`, `head`), distinct; ranks.
        sets: one row per `rank` of a member or head, with `shingles`, ascending uint64 as binary.
        num_tasks: partitions of the shuffle.

    Returns:
        (`member`, `head`, `similarity`), a Jaccard similarity in 0..1.
    Shuffles: the sets on the rank, then one set per pair and one per head on the head.
    """
    member_sets = sets.withColumnRenamed("rank", "member")
    members = pairs.select("member", "head").join(member_sets, "member", how="inner")
    heads = pairs.select(F.col("head").alias("rank")).distinct().join(sets, "rank", how="inner")
    itself = F.lit(HEAD_ITSELF).cast("bigint").alias("member")
    both = members.unionByName(heads.select(itself, F.col("rank").alias("head"), "shingles"))
    by_head = both.repartition(num_tasks, "head").sortWithinPartitions("head", "member")
    ordered = by_head.select("member", "head", "shingles")
    return ordered.mapInArrow(_compare, "member bigint, head bigint, similarity double")


def _compare(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    of_head = np.zeros(0, np.uint64)
    for batch in batches:
        compared = []
        members, heads = (batch.column(name).to_pylist() for name in ("member", "head"))
        for row, (member, head) in enumerate(zip(members, heads, strict=True)):
            shingles = np.frombuffer(batch.column("shingles")[row].as_buffer(), np.uint64)
            if member == HEAD_ITSELF:
                # A copy: the head's batch is gone when its last members come.
                of_head = shingles.copy()
            else:
                compared.append((member, head, jaccard(shingles, of_head)))
        columns = np.array(compared, "i8, i8, f8")
        yield pa.record_batch([columns[name] for name in ("f0", "f1", "f2")], schema=COMPARED)
