"""Read texts of `contents` where they lie: no shuffle and no join of texts.

Requests are narrow rows. They are joined with the place of each blob (data file, row in the file),
brought together by file, and each task opens just the row groups that hold what it was asked for.
A blob that is requested several times is read and handed over once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from stackspark.errors import InputError, LakeError
from stackspark.runtime.batching import byte_cuts, value_runs
from stackspark.runtime.storage.parquet_rows import (
    MAX_BATCH_BYTES,
    MAX_BATCH_ROWS,
    ParquetRows,
    Span,
)

BYTES_PER_PARTITION = 256 * 2**20
MAX_PARTITIONS = 2**16
PLACE = ("content_file", "content_block", "content_row")
"""Columns that a plan adds: URI of the data file, offset of the split in it, row in the file."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ContentBatch:
    """Texts and the requests for them, bounded in bytes and in requests.

    Attributes:
        texts: each requested blob's text once, string, shape (t,).
        blob_ids: the blobs, shape (t,).
        requests: the requests with their payload, shape (r,), sorted by text.
        text_index: index into `texts` of each request, shape (r,), int64.
        is_continuation: the first text was the last of the batch before; what is measured once per
            blob has been measured.
    """

    texts: pa.StringArray
    blob_ids: pa.StringArray
    requests: pa.RecordBatch
    text_index: npt.NDArray[np.int64]
    is_continuation: bool


class ReadMetrics:
    """Counts of what tasks read, summed on the driver; a retried task reads, and counts, again."""

    def __init__(self, spark: SparkSession):
        context = spark.sparkContext
        self._row_groups = context.accumulator(0)
        self._compressed_bytes = context.accumulator(0)
        self._texts = context.accumulator(0)

    def add(self, *, row_groups: int = 0, compressed_bytes: int = 0, texts: int = 0) -> None:
        """Add to the counts; called by tasks."""
        self._row_groups.add(row_groups)
        self._compressed_bytes.add(compressed_bytes)
        self._texts.add(texts)

    def totals(self) -> dict[str, int]:
        """The counts so far; complete once the action has ended.

        Row groups opened, bytes of the column chunks in them, and texts handed over.
        """
        return {
            "num_row_groups": self._row_groups.value,
            "compressed_bytes": self._compressed_bytes.value,
            "num_texts": self._texts.value,
        }


def plan_reads(
    requests: DataFrame, contents: DataFrame, num_partitions: int | None = None
) -> DataFrame:
    """Find where the text of each request lies and bring together what lies together.

    Args:
        requests: `blob_id` and a payload of narrow columns that can be sorted; repeats are allowed.
        contents: the table `contents` as it was read, with `_metadata`.
        num_partitions: tasks; by default from the bytes of `contents`, which one job sums up.

    Returns:
        The requests with the columns `PLACE`, partitioned by data file and split of the file (a row
        group lies in one split), sorted within by row and payload. A request for a blob that has no
        text, or is not in `contents`, has no row.

    Raises:
        LakeError: if Delta does not number the rows of `contents`.
    Shuffles: ids and payload, by `blob_id` and by place.
    """
    _check_rows_are_numbered(contents)
    places = contents.where(F.col("status") == "ok").select(
        "blob_id",
        F.col("_metadata.file_path").alias("content_file"),
        F.col("_metadata.file_block_start").alias("content_block"),
        F.col("_metadata.row_index").alias("content_row"),
    )
    # A number is given always: without one, Spark coalesces partitions by their narrow bytes, down
    # to a single task for a terabyte of texts.
    count = num_partitions or _partitions_for(contents)
    return (
        requests.join(places, "blob_id", how="inner")
        .select(*requests.columns, *PLACE)
        .repartition(count, "content_file", "content_block")
        .sortWithinPartitions("content_file", "content_row", *requests.columns)
    )


def map_contents(
    plan: DataFrame,
    function: Callable[[Iterator[ContentBatch]], Iterator[pa.RecordBatch]],
    schema: T.StructType | str,
    metrics: ReadMetrics | None = None,
) -> DataFrame:
    """Run a function over the texts of a read plan.

    Args:
        plan: from `plan_reads`; its order must be kept.
        function: from the batches of one task to rows of `schema`.
        schema: of what the function yields.
        metrics: where to count what is read.

    Returns:
        The function's rows.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return function(read_contents(batches, metrics))

    return plan.mapInArrow(run, schema)


def read_contents(
    plan_batches: Iterable[pa.RecordBatch], metrics: ReadMetrics | None = None
) -> Iterator[ContentBatch]:
    """Read the texts that sorted rows of a plan ask for, within one task.

    Raises:
        InputError: if a file cannot be opened or holds another blob than the plan says.
    """
    file: _ContentFile | None = None
    for batch in plan_batches:
        for requests in value_runs(batch, "content_file"):
            uri = requests.column("content_file")[0].as_py()
            if file is None or file.uri != uri:
                file = _ContentFile(uri, metrics)
            yield from file.read(requests)


class _ContentFile:
    """One data file, read forward in batches."""

    def __init__(self, uri: str, metrics: ReadMetrics | None):
        self.uri = uri
        self._metrics = metrics
        self._rows = ParquetRows(uri, ("content", "blob_id"), self._count_group)
        self._last_given = -1

    def read(self, requests: pa.RecordBatch) -> Iterator[ContentBatch]:
        """Texts of requests whose rows ascend and lie behind those of earlier calls."""
        payload = requests.select([name for name in requests.schema.names if name not in PLACE])
        for span in self._rows.spans(requests.column("content_row").to_numpy()):
            yield from self._batches(span, payload.slice(span.start, len(span.local)))

    def _count_group(self, compressed_bytes: int) -> None:
        if self._metrics:
            self._metrics.add(row_groups=1, compressed_bytes=compressed_bytes)

    def _batches(self, span: Span, payload: pa.RecordBatch) -> Iterator[ContentBatch]:
        """Hand over requests for decoded rows."""
        is_new = np.diff(span.local, prepend=-1) > 0
        lengths = pc.binary_length(span.rows.column("content")).to_numpy(zero_copy_only=False)
        added = np.where(is_new, lengths[span.local], 0).astype(np.int64)
        for start, stop in byte_cuts(added, MAX_BATCH_BYTES, MAX_BATCH_ROWS):
            part = span._replace(local=span.local[start:stop])
            yield self._batch(part, payload.slice(start, stop - start))

    def _batch(self, span: Span, requests: pa.RecordBatch) -> ContentBatch:
        distinct, text_index = np.unique(span.local, return_inverse=True)
        taken = span.rows.take(pa.array(distinct))
        self._check(taken.column("blob_id").take(pa.array(text_index)), requests)
        is_continuation = span.first_row + int(distinct[0]) == self._last_given
        self._last_given = span.first_row + int(distinct[-1])
        if self._metrics:
            self._metrics.add(texts=len(distinct) - is_continuation)
        return ContentBatch(
            texts=taken.column("content"),
            blob_ids=taken.column("blob_id"),
            requests=requests,
            text_index=text_index.astype(np.int64),
            is_continuation=is_continuation,
        )

    def _check(self, found: pa.StringArray, requests: pa.RecordBatch) -> None:
        wanted = requests.column("blob_id")
        if not found.equals(wanted):
            raise InputError(f"{self.uri} does not hold the blobs at the rows that the plan names")


def _check_rows_are_numbered(contents: DataFrame) -> None:
    # Delta gives the number of a row only for tables that may have deletion vectors.
    metadata = contents.select("_metadata").schema["_metadata"].dataType
    if "row_index" not in cast("T.StructType", metadata).names:
        raise LakeError(
            "reading texts needs the numbers of rows; the table contents has none: "
            "write it with the table property delta.enableDeletionVectors=true"
        )


def _partitions_for(contents: DataFrame) -> int:
    total = contents.agg(F.sum("length_bytes").alias("size_bytes")).first()
    size_bytes = (total.size_bytes if total else None) or 0
    cores = contents.sparkSession.sparkContext.defaultParallelism
    return min(max(cores, -(-size_bytes // BYTES_PER_PARTITION)), MAX_PARTITIONS)
