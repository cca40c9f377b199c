import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stackspark.duplicates.near.kernels.bloom_filter import Bitmap

HASHES = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=50)


@given(HASHES)
def test_bitmap_forgets_nothing(hashes: list[int]) -> None:
    bitmap = Bitmap(len(hashes))
    bitmap.add(np.array(hashes, np.int64))
    assert bitmap.may_contain(np.array(hashes, np.int64)).all()


def test_bitmap_passes_few_strange_hashes() -> None:
    generator = np.random.default_rng(1)
    hashes = generator.integers(-(2**63), 2**63 - 1, 110_000)
    bitmap = Bitmap(10_000)
    bitmap.add(hashes[:10_000])
    assert 0 < bitmap.may_contain(hashes[10_000:]).mean() < 1 / 15
