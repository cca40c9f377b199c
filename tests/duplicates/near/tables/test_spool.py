import numpy as np
import pytest

from stackspark.duplicates.near.tables import spool
from stackspark.duplicates.near.tables.spool import Spool


@pytest.mark.parametrize("memory_bytes", [8, 1 << 20])
def test_spool_gives_back_groups(monkeypatch: pytest.MonkeyPatch, memory_bytes: int) -> None:
    monkeypatch.setattr(spool, "MEMORY_BYTES", memory_bytes)
    groups = [
        [np.arange(5, dtype=np.uint64), np.arange(5)[::-1]],
        [np.zeros(0, np.uint64), np.zeros(0, np.int64)],
        [np.arange(3, dtype=np.uint64), np.arange(3)],
    ]
    with Spool() as kept:
        for group in groups:
            kept.append(group)
        for _ in range(2):
            for group, same in zip(groups, kept, strict=True):
                assert [array.tolist() for array in same] == [array.tolist() for array in group]
                assert [array.dtype for array in same] == [array.dtype for array in group]
