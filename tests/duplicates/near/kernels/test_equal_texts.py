from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stackspark.duplicates.near.kernels.equal_texts import pair_equal

HASHES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=20)


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
