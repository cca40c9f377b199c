"""Texts of any table, read by the tasks that measure them.

Spark hands the rows of a table to Python through the JVM: decoded, copied into rows, and copied
into Arrow again. Of a table that is nothing but Parquet files, it hands over the narrow columns and
each row's place, and the tasks read the texts themselves (825 MB: 8 of 25 CPU seconds less).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from stackspark.duplicates.near.columns import quoted
from stackspark.runtime.batching import value_runs
from stackspark.runtime.storage.parquet_rows import ParquetRows

CONTENT = "content"
PLACE = ("text_file", "text_row")
"""Columns that stand for a text: URI of its Parquet file, row in the file."""

Wanted = Callable[[pa.RecordBatch], pa.BooleanArray]


@dataclass(frozen=True, kw_only=True)
class TextReader:
    """Reads the texts of rows: of the column `CONTENT`, or of a column of the files of `PLACE`."""

    column: str | None = None

    @property
    def carried(self) -> tuple[str, ...]:
        """Columns of the rows that are there for the texts alone."""
        return (CONTENT,) if self.column is None else PLACE

    def texts_of(
        self, batches: Iterable[pa.RecordBatch], wanted: Wanted | None = None
    ) -> Iterator[tuple[pa.Array, pa.RecordBatch]]:
        """Texts (string or binary, null where a row has none) with their rows, in order.

        Args:
            batches: of one task; rows of one file in the order of the file.
            wanted: which rows of a batch to read texts for; all by default.

        Raises:
            InputError: if a file cannot be read.
        """
        file: ParquetRows | None = None
        for batch in batches:
            rows = batch.filter(wanted(batch)) if wanted else batch
            if self.column is None:
                yield rows.column(CONTENT), rows.drop_columns([CONTENT])
                continue
            for part in value_runs(rows, PLACE[0]):
                uri = part.column(PLACE[0])[0].as_py()
                if file is None or file.uri != uri:
                    file = ParquetRows(uri, (self.column,))
                payload = part.drop_columns(list(PLACE))
                for span in file.spans(part.column(PLACE[1]).to_numpy()):
                    texts = _as_text(span.taken(self.column))
                    yield texts, payload.slice(span.start, len(span.local))


def rows_with_texts(
    texts: DataFrame, column: str, payload: Sequence[Column], in_files: bool
) -> tuple[DataFrame, TextReader]:
    """Rows from which tasks get at the texts of a table.

    Args:
        texts: any table.
        column: its column of texts.
        payload: what else the rows shall hold.
        in_files: the table is what lies in Parquet files, on this machine or in S3, unchanged.

    Returns:
        `payload` and what stands for the text, and the reader that knows how to take it.
    Shuffles: none.
    """
    if in_files and isinstance(texts.schema[column].dataType, T.StringType | T.BinaryType):
        fields = ("_metadata.file_path", "_metadata.row_index")
        place = [F.col(field).alias(name) for field, name in zip(fields, PLACE, strict=True)]
        return texts.select(*payload, *place), TextReader(column=column)
    content = F.col(quoted(column)).cast("string").alias(CONTENT)
    return texts.select(*payload, content), TextReader()


def _as_text(values: pa.Array) -> pa.Array:
    """The values of a column that the file may hold as a dictionary."""
    is_dictionary = pa.types.is_dictionary(values.type)
    return values.dictionary_decode() if is_dictionary else values
