from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from stackspark.duplicates.near.stack_v2 import components
from stackspark.duplicates.near.stack_v2.components import join_components
from stackspark.duplicates.near.tables.packed import PAIRS, BlockParams
from stackspark.errors import ContractError
from stackspark.lake.scratch import Scratch

BLOCKS = BlockParams(num_tasks=2, num_blocks=4, ranks_per_block=4)

CHAIN = [(7, 0), (7, 3), (9, 3), (9, 1), (8, 1), (8, 2)]
"""0 - 7 - 3 - 9 - 1 - 8 - 2: the small star alone can not join it."""


def packed(spark: SparkSession, pairs: list[tuple[int, int]]) -> DataFrame:
    """One packed row per pair."""
    rows = [(m // 4, *(np.int64(end).tobytes() for end in (m, h))) for m, h in pairs]
    return spark.createDataFrame(rows, PAIRS)


def unpacked(pairs: DataFrame) -> list[tuple[int, int]]:
    return [
        pair
        for row in pairs.collect()
        for pair in zip(
            *(np.frombuffer(row[name], np.int64).tolist() for name in ("members", "heads")),
            strict=True,
        )
    ]


def test_join_components(spark: SparkSession, tmp_path: Path) -> None:
    pairs = packed(spark, [*CHAIN, *CHAIN, (12, 11)])
    stars = join_components(pairs, Scratch(folder=str(tmp_path)), BLOCKS)
    assert sorted(set(unpacked(stars))) == [*((m, 0) for m in (1, 2, 3, 7, 8, 9)), (12, 11)]


def test_join_components_raises_where_it_stops_early(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(components, "MAX_ROUNDS", 1)
    with pytest.raises(ContractError, match="not joined after 1 rounds, 1 links are open"):
        join_components(packed(spark, CHAIN), Scratch(folder=str(tmp_path)), BLOCKS)
