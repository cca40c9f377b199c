from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackspark.duplicates.near.kernels import packing
from stackspark.duplicates.near.kernels.packing import (
    Packer,
    band_partition,
    packed_values,
    unpacked_rows,
)

ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2**63 - 1)), max_size=30)


def packed(additions: Sequence[Sequence[tuple[int, int]]]) -> list[pa.RecordBatch]:
    packer, batches = Packer(["values", "pairs"], num_blocks=7), []
    for rows in additions:
        blocks = np.array([block for block, _ in rows], np.int64)
        values = np.array([value for _, value in rows], np.int64)
        batches += packer.add(blocks, [values, np.stack([values, values // 2], axis=1)])
    return [*batches, *packer.flush()]


@settings(deadline=None)
@given(st.lists(ROWS, max_size=4))
def test_packer_keeps_every_row_in_the_order_of_its_block(
    additions: list[list[tuple[int, int]]],
) -> None:
    expected = sorted((row for rows in additions for row in rows), key=lambda row: row[0])
    found = []
    for batch in packed(additions):
        batch.validate(full=True)
        assert len(set(batch["block"].to_pylist())) == batch.num_rows
        for row in range(batch.num_rows):
            values = packed_values(batch["values"][row : row + 1], np.int64)
            pairs = packed_values(batch["pairs"][row : row + 1], np.int64).reshape(-1, 2)
            assert pairs.tolist() == [[value, value // 2] for value in values.tolist()]
            found += [(batch["block"][row].as_py(), value) for value in values.tolist()]
    assert found == expected


def test_packer_hands_out_what_it_has_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_PACK_BYTES", 48)
    batches = packed([[(1, 10)], [(0, 20)], [(1, 30)]])
    assert [batch["block"].to_pylist() for batch in batches] == [[0, 1], [1]]


def test_packed_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_ROW_BYTES", 48)
    (batch,) = packed([[(4, 1), (2, 2), (4, 3), (4, 5), (2, 4), (4, 6), (4, 7)]])
    rows = [
        packed_values(value, np.int64).tolist()
        for value in (batch["values"][i : i + 1] for i in range(batch.num_rows))
    ]
    assert list(zip(batch["block"].to_pylist(), rows, strict=True)) == [
        (2, [2, 4]),
        (4, [1, 3]),
        (4, [5, 6]),
        (4, [7]),
    ]


def test_packed_values_of_a_slice() -> None:
    values = np.arange(4)
    array = pa.array([values[:1].tobytes(), values[1:].tobytes()], pa.binary())
    assert packed_values(array[1:], np.int64).tolist() == [1, 2, 3]
    assert packed_values(array, np.int64).tolist() == [0, 1, 2, 3]


def test_band_partition_uses_the_upper_bits() -> None:
    hashes = np.array([0, 2**63 - 1, 2**63, 2**64 - 1], np.uint64)
    assert band_partition(hashes, 2).tolist() == [0, 0, 1, 1]
    assert band_partition(hashes, 7).max() == 6


def test_unpacked_rows_of_several_batches() -> None:
    first = pa.record_batch({"block": [0, 2], "a": [packed_longs(1, 2), None], "b": [b"", b""]})
    second = pa.record_batch({"block": [2], "a": [packed_longs(3)], "b": [packed_longs(-1)]})
    rows = unpacked_rows([first, second], ["b", "a"])
    found = [(block, [column.tolist() for column in columns]) for block, columns in rows]
    assert found == [(0, [[], [1, 2]]), (2, [[], []]), (2, [[-1], [3]])]


def packed_longs(*values: int) -> bytes:
    return np.array(values, np.int64).tobytes()
