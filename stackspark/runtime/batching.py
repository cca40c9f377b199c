"""Cut rows into runs: of bounded bytes, because a batch in Python must fit its memory whatever the
rows, or of one value each.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def byte_cuts(
    sizes_bytes: npt.NDArray[np.int64], max_bytes: int, max_rows: int
) -> Iterator[tuple[int, int]]:
    """Cut rows greedily into consecutive runs of at most `max_bytes` and `max_rows`.

    Args:
        sizes_bytes: bytes that each row adds, shape (n,), int64; a row of 0 adds nothing and always
            fits the bytes.
        max_bytes: limit on a run; a row over it has a run of its own, with the zeros after it.
        max_rows: limit on the rows of a run.

    Yields:
        (start, stop) of each run; together they cover all rows.
    """
    ends = np.cumsum(sizes_bytes)
    start = 0
    while start < len(ends):
        limit = max(ends[start] - sizes_bytes[start] + max_bytes, ends[start])
        fitting = int(np.searchsorted(ends, limit, side="right"))
        stop = min(fitting, start + max_rows)
        yield start, stop
        start = stop


def value_runs(batch: pa.RecordBatch, column: str) -> Iterator[pa.RecordBatch]:
    """Consecutive rows with one value of a column at a time; together they are all rows."""
    stops = pc.run_end_encode(batch.column(column)).run_ends.to_pylist()
    for start, stop in zip([0, *stops], stops, strict=False):
        yield batch.slice(start, stop - start)
