"""Arrow arrays as NumPy buffers and back, without a Python object per row."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stackspark.runtime.compiled import inlined

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BOM = (0xEF, 0xBB, 0xBF)
"""Byte-order mark of UTF-8: no part of a text."""


def text_buffers(texts: pa.Array) -> tuple[Bytes, Longs]:
    """UTF-8 bytes and offsets of a string or binary array; a null is an empty text.

    Args:
        texts: string, large_string, binary or large_binary, nulls allowed.

    Returns:
        The bytes (uint8, shared with the array) and offsets (int64, shape (len + 1,)).
    """
    if texts.null_count:
        texts = texts.fill_null(b"" if pa.types.is_binary(texts.type) else "")
    wide = pa.types.is_large_string(texts.type) or pa.types.is_large_binary(texts.type)
    _, offsets, data = texts.buffers()
    if offsets is None or not len(texts):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    ends = np.frombuffer(offsets, np.int64 if wide else np.int32)[texts.offset :]
    return np.frombuffer(data or b"", np.uint8), np.asarray(ends[: len(texts) + 1], np.int64)


@inlined
def without_mark(data: Bytes, position: int, end: int) -> int:
    """Where a text from `position` to `end` begins behind its byte-order mark, if it has one."""
    if end - position < len(BOM):
        return position
    for step in range(len(BOM)):
        if data[position + step] != BOM[step]:
            return position
    return position + len(BOM)


def fixed_width_rows(values: pa.Array, width_bytes: int) -> Bytes:
    """Binary values of one width as a matrix, shape (len, width_bytes), uint8; a null is all 0.

    Raises:
        ValueError: if a value has another width.
    """
    valid: Flags = values.is_valid().to_numpy(zero_copy_only=False)
    data, offsets = text_buffers(values)
    if (np.diff(offsets) != valid * width_bytes).any():
        raise ValueError(f"every signature must have {width_bytes} bytes; see num_perm")
    rows = data[offsets[0] : offsets[-1]].reshape(-1, width_bytes)
    if valid.all():
        return rows
    spread = np.zeros((len(values), width_bytes), np.uint8)
    spread[valid] = rows
    return spread


def nullable_binary(rows: Bytes, valid: Flags) -> pa.Array:
    """Binary array with one row of `rows` per true flag, in order, and null elsewhere."""
    offsets = _binary_offsets(valid, rows.shape[1])
    return pa.Array.from_buffers(
        pa.binary(),
        len(valid),
        [_bitmap(valid), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows))],
    )


def _binary_offsets(valid: Flags, width: int) -> npt.NDArray[np.int32]:
    offsets = np.zeros(len(valid) + 1, np.int64)
    np.cumsum(valid * np.int64(width), out=offsets[1:])
    if offsets[-1] > np.iinfo(np.int32).max:
        raise ValueError(f"a batch of {len(valid)} rows is too large; bound batches in bytes")
    return offsets.astype(np.int32)


def _bitmap(valid: Flags) -> pa.Buffer:
    return pa.py_buffer(np.packbits(valid, bitorder="little"))
