import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stackspark.duplicates.near.kernels.bloom_filter import BloomFilter

HASHES = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=50)


@given(HASHES)
def test_bloom_filter_forgets_nothing(hashes: list[int]) -> None:
    bloom = BloomFilter(len(hashes))
    bloom.add(np.array(hashes, np.int64))
    assert bloom.may_contain(np.array(hashes, np.int64)).all()


def test_bloom_filter_passes_few_strange_hashes() -> None:
    generator = np.random.default_rng(1)
    hashes = generator.integers(-(2**63), 2**63 - 1, 110_000)
    bloom = BloomFilter(10_000)
    bloom.add(hashes[:10_000])
    assert 0 < bloom.may_contain(hashes[10_000:]).mean() < 1 / 15
