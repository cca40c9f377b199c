"""Stages of the near-duplicate search, each on a few literal rows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from reference_near_duplicates import packed

from stackspark.duplicates.near.tables.buckets import (
    find_candidate_edges,
    list_bands,
    peel_buckets,
)
from stackspark.duplicates.near.tables.compare_shingles import compare_shingles
from stackspark.duplicates.near.tables.normalized_texts import pair_normalized_texts
from stackspark.duplicates.near.tables.packed import BANDS, BlockParams, columns_of, pack_pairs
from stackspark.duplicates.near.tables.ranked_signatures import SignatureReader
from stackspark.duplicates.near.tables.ranks import name_pairs, name_twins, sort_candidates
from stackspark.duplicates.near.tables.twins import (
    follow_twins,
    orphaned,
    settle_twins,
    sort_edges,
)
from stackspark.duplicates.near.tables.verify_edges import VerifyEdgesParams, verify_edges
from stackspark.lake.scratch import RankedFile


def blocks(num_tasks: int, ranks_per_block: int = 4) -> BlockParams:
    return BlockParams(num_tasks=num_tasks, num_blocks=3, ranks_per_block=ranks_per_block)


HIGH = 2**62
"""A band hash of another partition than a small one, where there are two."""


def rows(table: DataFrame) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in table.collect())


def unpacked(rows: DataFrame) -> list[tuple[int, ...]]:
    """Block and numbers of all packed rows; a column of several numbers per row in full."""
    found = []
    for row in rows.collect():
        columns = [np.frombuffer(value, np.int64) for value in row[1:] if value is not None]
        num_rows = len(columns[min(1, len(columns) - 1)])
        for place in range(num_rows):
            parts = [column.reshape(num_rows, -1)[place].tolist() for column in columns]
            found.append((row["block"], *(number for part in parts for number in part)))
    return sorted(found)


def packed_bands(spark: SparkSession, members: Sequence[tuple[int, int, int]]) -> DataFrame:
    """Packed rows of one member each: partition, band hash, rank."""
    packed = [(p, *(np.int64(v).tobytes() for v in values)) for p, *values in members]
    return spark.createDataFrame(packed, BANDS)


def test_sort_candidates_by_the_keep_order(spark: SparkSession) -> None:
    candidates = spark.createDataFrame(
        [("b", 2, None), ("a", 2, "x"), ("c", 1, "x"), ("d", None, "x")],
        "blob_id string, place int, normalized_hash string",
    )
    measured = candidates.withColumns(
        {
            "scope": F.lit("C"),
            "band_hashes": F.lit(None).cast("binary"),
            "signature": F.lit(None).cast("binary"),
            "keep_order": F.struct("place", "blob_id"),
        }
    )
    ordered = sort_candidates(measured)
    assert [row["blob_id"] for row in ordered.collect()] == ["d", "c", "a", "b"]
    assert "keep_order" not in ordered.columns


@pytest.mark.parametrize("num_partitions", [1, 3])
def test_pair_normalized_texts_within_a_scope(spark: SparkSession, num_partitions: int) -> None:
    x, y, z = "00" * 16, "ff" * 16, "00" * 8 + "ff" * 8
    ranked = spark.createDataFrame(
        [
            (6, "C", x),
            (0, "C", x),
            (1, "C", x),
            (2, "C++", x),
            (3, "C", y),
            (4, "C", None),
            (5, "C", None),
            (7, "C", y),
            (8, "C", z),
        ],
        "rank bigint, scope string, normalized_hash string",
    )
    assert rows(pair_normalized_texts(ranked, num_partitions)) == [(1, 0), (6, 0), (7, 3)]


def test_list_bands_keeps_scopes_apart(spark: SparkSession) -> None:
    ranked = spark.createDataFrame(
        [
            (rank, scope, packed(bands))
            for rank, scope, bands in [
                (0, "C", [1, 2]),
                (1, "C", [1, 3]),
                (2, "Go", [1, 2]),
                (3, "C", None),
                (4, "C", [1, 2]),
            ]
        ],
        "rank bigint, scope string, band_hashes binary",
    )
    text_twins = spark.createDataFrame([(4, 0)], "member bigint, head bigint")
    bands = unpacked(list_bands(ranked, text_twins, blocks(2)))
    hashes = {rank: {band for _, band, other in bands if other == rank} for rank in range(5)}
    assert [len(hashes[rank]) for rank in range(5)] == [2, 2, 2, 0, 0]
    assert len(hashes[0] & hashes[1]) == 1
    assert not hashes[0] & hashes[2]
    assert {block for block, _, _ in bands} <= {0, 1}


@pytest.mark.parametrize(
    ("heads_per_bucket", "expected"),
    [
        (1, [(0, 7, 3, 1), (1, 7, 5, 1), (2, HIGH, 9, 8)]),
        (2, [(0, 7, 3, 1, -1), (1, 7, 5, 1, 3), (2, HIGH, 9, 8, -1)]),
    ],
)
def test_find_candidate_edges_pairs_members_with_the_heads(
    spark: SparkSession, heads_per_bucket: int, expected: list[tuple[int, ...]]
) -> None:
    members = [(0, 7, 5), (0, 7, 1), (0, 8, 2), (0, 7, 3), (1, HIGH, 9), (1, HIGH, 8)]
    edges = find_candidate_edges(packed_bands(spark, members), blocks(2), heads_per_bucket)
    assert unpacked(edges) == expected


def test_peel_buckets_drops_heads_and_removed_members(spark: SparkSession) -> None:
    members = [(0, 7, rank) for rank in (0, 1, 2, 3, 5, 9)] + [(0, 8, 2), (0, 8, 4)]
    edges = find_candidate_edges(packed_bands(spark, members), blocks(1), heads_per_bucket=2)
    removed = spark.createDataFrame([(3, 0), (9, 0)], "member bigint, head bigint")
    gone = pack_pairs(removed, blocks(2))
    # Of bucket 7, ranks 0 and 1 are its heads; 4 of bucket 8 is one of its two heads.
    assert unpacked(peel_buckets(edges, gone, blocks(2))) == [(0, 7, 2), (0, 7, 5)]


def test_follow_twins_goes_one_hop(spark: SparkSession) -> None:
    schema = "member bigint, head bigint"
    still_open = spark.createDataFrame([(9, 4), (9, 5), (9, 7), (8, 4)], schema)
    removed = spark.createDataFrame([(4, 1), (5, 1), (6, 0)], schema)
    assert rows(follow_twins(still_open, removed)) == [(8, 1), (9, 1)]


def test_pack_pairs_by_the_block_of_the_member(spark: SparkSession) -> None:
    pairs = spark.createDataFrame([(9, 4), (3, 0), (2, 1)], "member bigint, head bigint")
    packed = pack_pairs(pairs, blocks(1))
    assert unpacked(packed) == [(0, 2, 1), (0, 3, 0), (2, 9, 4)]


def test_verify_edges_keeps_similar_pairs(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "ranked.parquet"
    half = bytes(8) + b"\xff" * 8
    signatures = [bytes(16), half, bytes(16), None, b"\xff" * 16, half]
    pq.write_table(pa.table({"signature": signatures}), path, row_group_size=2)
    file = RankedFile(path=str(path), first_rank=0, num_rows=6)
    pairs = spark.createDataFrame(
        [(1, 0), (2, 0), (2, 0), (2, 1), (4, 0), (5, 1), (5, 4)], "member bigint, head bigint"
    )
    params = VerifyEdgesParams(min_similarity=0.3, blocks=blocks(2, ranks_per_block=2))
    packed = pack_pairs(pairs, params.blocks)
    verified = verify_edges(packed, SignatureReader(files=[file], num_perm=64), params)
    third = (0.5 - 0.25) / 0.75
    assert [(m, h, pytest.approx(s)) for m, h, s in rows(verified)] == [
        (1, 0, third),
        (2, 0, 1),
        (2, 1, third),
        (5, 1, 1),
        (5, 4, third),
    ]


@pytest.mark.parametrize("batch_rows", [1, 10_000])
def test_compare_shingles(spark: SparkSession, batch_rows: int) -> None:
    members = {0: [1, 2, 3], 1: [2, 3, 4], 2: [], 5: [3], 9: [1, 2, 3, 2**63]}
    sets = spark.createDataFrame(
        [(rank, np.array(values, np.uint64).tobytes()) for rank, values in members.items()],
        "rank bigint, shingles binary",
    )
    pairs = spark.createDataFrame(
        [(1, 0), (5, 0), (9, 0), (9, 1), (2, 1)], "member bigint, head bigint"
    )
    setting = "spark.sql.execution.arrow.maxRecordsPerBatch"
    before = spark.conf.get(setting)
    try:
        spark.conf.set(setting, batch_rows)
        compared = rows(compare_shingles(pairs, sets, 2))
    finally:
        spark.conf.set(setting, before)
    assert compared == [(1, 0, 0.5), (2, 1, 0), (5, 0, 1 / 3), (9, 0, 0.75), (9, 1, 0.4)]


@pytest.mark.parametrize("ranks_per_partition", [1, 4, 100])
def test_sort_edges_across_partitions(spark: SparkSession, ranks_per_partition: int) -> None:
    edges = spark.createDataFrame(
        [(9, 1, 0.7), (2, 1, 0.8), (9, 0, 0.9), (5, 3, 0.7)],
        "member bigint, head bigint, similarity double",
    )
    ordered = [tuple(row) for row in sort_edges(edges, 10, ranks_per_partition).collect()]
    assert ordered == [(2, 1, 0.8), (5, 3, 0.7), (9, 0, 0.9), (9, 1, 0.7)]


def test_settle_twins_follows_a_head_that_was_removed(spark: SparkSession) -> None:
    text_twins = spark.createDataFrame([(5, 4), (3, 2)], "member bigint, head bigint")
    removed = spark.createDataFrame(
        [(4, 1, 0.75, "estimated", 2)],
        "member bigint, head bigint, similarity double, established_by string, round int",
    )
    assert rows(settle_twins(text_twins, removed)) == [
        (3, 2, 1.0, "normalized_text", 0),
        (4, 1, 0.75, "estimated", 2),
        (5, 1, 0.75, "estimated", 2),
    ]


def test_name_twins(spark: SparkSession) -> None:
    ranked = spark.createDataFrame(
        [(0, "a", "C"), (1, "b", "C"), (2, "c", "C")], "rank bigint, blob_id string, scope string"
    )
    twins = spark.createDataFrame(
        [(2, 0, 0.75, "estimated", 1)],
        "member bigint, twin bigint, similarity double, established_by string, round int",
    )
    assert rows(name_twins(twins, ranked)) == [("c", "a", 0.75, "estimated", "C", 1)]


def test_name_pairs_by_the_order_of_the_ids(spark: SparkSession) -> None:
    ranked = spark.createDataFrame([(0, "b"), (1, "a"), (2, "c")], "rank bigint, blob_id string")
    pairs = spark.createDataFrame([(1, 0), (2, 1)], "member bigint, head bigint")
    assert rows(name_pairs(pairs, ranked)) == [(1, 0, "a", "b"), (2, 1, "a", "c")]


def test_orphaned_twins_were_removed(spark: SparkSession) -> None:
    twins = spark.createDataFrame([(2, 1), (3, 2)], "member bigint, twin bigint")
    assert [(row["member"], row["twin"]) for row in orphaned(twins).collect()] == [(3, 2)]


def test_columns_of_a_layout() -> None:
    assert columns_of("block int, members binary, heads binary") == ["members", "heads"]
