import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_documents import cuts

from stackspark.runtime.batching import byte_cuts, value_runs


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.just(0), st.integers(0, 12), st.just(100))),
    st.integers(1, 20),
    st.integers(1, 5),
)
def test_byte_cuts_are_those_of_a_greedy_walk(
    sizes: list[int], max_bytes: int, max_rows: int
) -> None:
    found = list(byte_cuts(np.array(sizes, np.int64), max_bytes, max_rows))
    assert found == cuts(sizes, max_bytes, max_rows)


def test_byte_cuts_leaves_zeros_with_the_long_row_before_them() -> None:
    assert list(byte_cuts(np.array([3, 99, 0, 0, 3]), 10, 100)) == [(0, 1), (1, 4), (4, 5)]


def test_byte_cuts_passes_two_gigabytes() -> None:
    sizes = np.full(5, 2**31, np.int64)
    assert list(byte_cuts(sizes, 2**32, 100)) == [(0, 2), (2, 4), (4, 5)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], []), (["a"], [["a"]]), (["a", "a", "b", "a"], [["a", "a"], ["b"], ["a"]])],
)
def test_value_runs_are_all_rows_in_order(values: list[str], expected: list[list[str]]) -> None:
    batch = pa.record_batch({"key": pa.array(["cut", *values], pa.string())}).slice(1)
    assert [run.column("key").to_pylist() for run in value_runs(batch, "key")] == expected
