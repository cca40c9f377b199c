"""Read rows of a Parquet file by their number, forward, in batches of bounded bytes."""

from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from stackspark.errors import InputError, UsageError
from stackspark.runtime.storage.filesystems import located
from stackspark.runtime.storage.s3 import is_s3

Numbers = npt.NDArray[np.int64]

MAX_BATCH_BYTES = 8 * 2**20
MAX_BATCH_ROWS = 10_000


class Span(NamedTuple):
    """Wanted rows that one batch holds.

    `rows` are decoded rows of the file from `first_row` on; `local` says which of them are wanted,
    ascending with repeats: those from `start` on of what was asked for.
    """

    rows: pa.RecordBatch
    first_row: int
    local: Numbers
    start: int

    def taken(self, column: str) -> pa.Array:
        """One value per wanted row; of a batch that is wanted whole, nothing is copied."""
        values = self.rows.column(column)
        is_whole = len(self.local) == len(values) and bool((np.diff(self.local) == 1).all())
        return values if is_whole else values.take(pa.array(self.local))


class ParquetRows:
    """Columns of one file, read forward; the last batch is kept for the next rows.

    `columns` are top-level columns, the first of which is the one that weighs: batches are cut by
    its bytes. `opened` hears of each row group that is opened: the compressed bytes to read in it.

    Raises:
        InputError: if the file is not on a file system that tasks read, or cannot be read.
    """

    def __init__(
        self, uri: str, columns: tuple[str, ...], opened: Callable[[int], None] | None = None
    ):
        self.uri = uri
        self._columns = columns
        self._opened = opened
        self._parquet = open_parquet(uri)
        footer = self._parquet.metadata
        self._groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
        self._starts = np.cumsum([0, *(group.num_rows for group in self._groups)])
        self._group = -1
        self._stream: Iterator[pa.RecordBatch] = iter(())
        self._rows: pa.RecordBatch | None = None
        self._first_row = 0

    def spans(self, wanted: Numbers) -> Iterator[Span]:
        """The rows of these numbers, which ascend and are none below those of earlier calls."""
        start = 0
        while start < len(wanted):
            rows = self._advance(int(wanted[start]))
            stop = int(np.searchsorted(wanted, self._first_row + rows.num_rows))
            yield Span(rows, self._first_row, wanted[start:stop] - self._first_row, start)
            start = stop

    def _advance(self, row: int) -> pa.RecordBatch:
        """The decoded rows among which `row` is."""
        group = int(np.searchsorted(self._starts, row, side="right")) - 1
        if group != self._group:
            self._open_group(group)
        while self._rows is None or row >= self._first_row + self._rows.num_rows:
            self._first_row += self._rows.num_rows if self._rows is not None else 0
            self._rows = next(self._stream)
        return self._rows

    def _open_group(self, group: int) -> None:
        metadata = self._groups[group]
        chunks = [metadata.column(i) for i in range(metadata.num_columns)]
        sizes = {c.path_in_schema: c for c in chunks if c.path_in_schema in self._columns}
        missing = [name for name in self._columns if name not in sizes]
        if missing:
            raise InputError(f"the data file {self.uri} has no column {missing[0]}")
        row_bytes = sizes[self._columns[0]].total_uncompressed_size // metadata.num_rows + 1
        if self._opened:
            self._opened(sum(chunk.total_compressed_size for chunk in sizes.values()))
        self._stream = self._parquet.iter_batches(
            batch_size=min(max(MAX_BATCH_BYTES // row_bytes, 1), MAX_BATCH_ROWS),
            row_groups=[group],
            columns=list(self._columns),
            use_threads=False,
        )
        self._group, self._rows, self._first_row = group, None, int(self._starts[group])


def open_parquet(uri: str) -> pq.ParquetFile:
    """Open a Parquet file under the URI that Spark gives it, for reading piece by piece.

    A local file is read page by page; of one in an object store the column chunks of a row group
    are fetched at once, because there each request takes as long as a megabyte.

    Raises:
        InputError: if the file is not on a file system that tasks read, or cannot be read.
    """
    try:
        filesystem, path = located(unquote(uri))
        if is_s3(uri):
            return pq.ParquetFile(filesystem.open_input_file(path), pre_buffer=True)
        return pq.ParquetFile(path, buffer_size=2**20)
    except (OSError, pa.ArrowInvalid, UsageError) as error:
        raise InputError(f"cannot read the data file {uri}: {error}") from error
