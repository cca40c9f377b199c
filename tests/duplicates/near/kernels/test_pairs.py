from random import Random

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from stackspark.duplicates.near.kernels.pairs import hops, pair_equal

RANKS = st.integers(1, 30)
HASHES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=20)


def batches(pairs: list[tuple[int, int]], size: int) -> list[pa.RecordBatch]:
    columns = [pa.array(list(column), pa.int64()) for column in zip(*pairs, strict=True)]
    table = pa.table(columns or [pa.array([], pa.int64())] * 2, names=["member", "head"])
    return table.to_batches(max_chunksize=size)


@given(st.dictionaries(RANKS, RANKS, min_size=1), st.data(), st.integers(1, 5))
def test_hops_equals_oracle(removed: dict[int, int], data: st.DataObject, size: int) -> None:
    between = st.sampled_from(sorted(removed))
    opened = data.draw(st.lists(st.tuples(st.integers(31, 40), between), max_size=20))
    members, heads = hops(batches(opened, size), batches(sorted(removed.items()), size))
    pairs = list(zip(members.tolist(), heads.tolist(), strict=True))
    assert pairs == sorted({(member, removed[head]) for member, head in opened})


@given(HASHES, st.randoms(use_true_random=False))
def test_pair_equal(hashes: list[tuple[int, int]], chance: Random) -> None:
    ranks = list(range(10, 10 + len(hashes)))
    chance.shuffle(ranks)
    best: dict[tuple[int, int], int] = {}
    for pair, rank in sorted(zip(hashes, ranks, strict=True), key=lambda item: item[1]):
        best.setdefault(pair, rank)
    expected = {
        rank: best[pair] for pair, rank in zip(hashes, ranks, strict=True) if best[pair] != rank
    }
    members, heads = pair_equal(np.array(hashes, np.uint64).reshape(-1, 2), np.array(ranks, int))
    assert dict(zip(members.tolist(), heads.tolist(), strict=True)) == expected
