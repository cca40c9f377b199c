import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackspark.duplicates.near.kernels import buckets
from stackspark.duplicates.near.kernels.buckets import BucketHeads

MEMBERS = st.lists(
    st.tuples(st.sampled_from([0, 1, 2**40, 2**64 - 1, 5 + 2**14, 5]), st.integers(0, 50)),
    unique=True,
    max_size=60,
)


def columns(members: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    hashes, ranks = zip(*members, strict=True) if members else ((), ())
    return np.array(hashes, np.uint64), np.array(ranks, np.int64)


@settings(deadline=None)
@given(MEMBERS, st.integers(1, 4), st.integers(0, 60))
def test_bucket_heads_equal_oracle(
    members: list[tuple[int, int]], heads_per_bucket: int, cut: int
) -> None:
    table = BucketHeads(heads_per_bucket)
    table.add(*columns(members[:cut]))
    table.add(*columns(members[cut:]))
    found = table.heads(*columns(members)).tolist()
    for (band_hash, rank), heads in zip(members, found, strict=True):
        bucket = sorted(other for key, other in members if key == band_hash)
        better = [head for head in bucket[:heads_per_bucket] if head < rank]
        assert heads == better + [-1] * (heads_per_bucket - len(better))


@pytest.mark.parametrize("heads_per_bucket", [1, 3])
def test_bucket_heads_grow(monkeypatch: pytest.MonkeyPatch, heads_per_bucket: int) -> None:
    monkeypatch.setattr(buckets, "MIN_SLOTS", 8)
    hashes = np.arange(2000, dtype=np.uint64).repeat(4) * np.uint64(0x9E3779B97F4A7C15)
    ranks = np.arange(8000)
    table = BucketHeads(heads_per_bucket)
    table.add(hashes[::-1].copy(), ranks[::-1].copy())
    first = ranks - ranks % 4
    heads = table.heads(hashes, ranks)
    assert np.array_equal(heads[:, 0], np.where(ranks == first, -1, first))
