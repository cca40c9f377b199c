import numpy as np
import pyarrow as pa
import pytest

from stackspark.runtime.buffers import fixed_width_rows, nullable_binary, text_buffers

VALID = np.array([True, False, True])


@pytest.mark.parametrize("data_type", [pa.string(), pa.large_string()])
def test_text_buffers_of_a_slice_with_a_null(data_type: pa.DataType) -> None:
    data, offsets = text_buffers(pa.array(["before", "é", None, "x"], data_type)[1:])
    texts = [bytes(data[offsets[i] : offsets[i + 1]]).decode() for i in range(3)]
    assert texts == ["é", "", "x"]
    assert offsets.dtype == np.int64


def test_text_buffers_of_nothing() -> None:
    data, offsets = text_buffers(pa.array([], pa.string()))
    assert len(data) == 0
    assert offsets.tolist() == [0]


def test_fixed_width_rows_of_a_slice_with_a_null() -> None:
    rows = fixed_width_rows(pa.array([b"zz", b"ab", None, b"cd"], pa.binary())[1:], 2)
    assert [bytes(row) for row in rows] == [b"ab", b"\0\0", b"cd"]


def test_fixed_width_rows_rejects_another_width() -> None:
    with pytest.raises(ValueError, match="must have 2 bytes"):
        fixed_width_rows(pa.array([b"ab", b"abc"], pa.binary()), 2)


def test_nullable_binary() -> None:
    array = nullable_binary(np.array([[1, 2], [3, 4]], np.uint8), VALID)
    array.validate(full=True)
    assert array.to_pylist() == [b"\1\2", None, b"\3\4"]


def test_nullable_binary_rejects_too_much() -> None:
    with pytest.raises(ValueError, match="too large"):
        nullable_binary(np.empty((0, 2**31), np.uint8), VALID)
