"""Scratch tables of one run: Parquet between rounds of work, local or in an object store."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.runtime.storage.filesystems import located, make_folder, remove_folder

BATCH_ROWS = 1 << 17
"""Rows of a batch that the driver streams: a few megabytes of numbers."""


FOOTERS_AT_ONCE = 16
"""Footers read at once: in an object store each takes as long as an answer does."""

ROW_GROUP_BYTES = 8 << 20
"""Row groups are small, so that a task can read a short range of ranks, and because Spark reads
256 rows at once, which of packed pairs is a whole row group."""

ROWS_BEFORE_SIZE = 10
"""Rows that Parquet takes before it first asks for their size: a packed row may have 256 kB."""


@dataclass(frozen=True, kw_only=True)
class RankedFile:
    """One file of a numbered table: its rows have the ranks from `first_rank` on."""

    path: str
    first_rank: int
    num_rows: int


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A folder of scratch tables, each in a folder of its own below `folder`.

    `folder` is a local path or a URI, such as ``s3a://bucket/scratch/run``.
    """

    folder: str

    def path(self, name: str) -> str:
        """Where a table lies."""
        return f"{self.folder.rstrip('/')}/{name}"

    def write(self, rows: DataFrame, name: str) -> DataFrame:
        """Write a table and read it back, so that nothing behind it is computed twice."""
        # Hashes and signatures do not repeat; a dictionary of them would only cost memory.
        writer = rows.write.mode("overwrite").option("parquet.enable.dictionary", "false")
        writer = writer.option("parquet.block.size", ROW_GROUP_BYTES)
        for checked in ("block", "page"):
            writer = writer.option(f"parquet.{checked}.size.row.check.min", ROWS_BEFORE_SIZE)
        writer.option("compression", "zstd").parquet(self.path(name))
        return self.read(name, rows)

    def read(self, name: str, like: DataFrame) -> DataFrame:
        """A table that was written before, with the columns of `like`."""
        return self.read_all([name], like)

    def read_all(self, names: Sequence[str], like: DataFrame) -> DataFrame:
        """Several tables that were written before, as one, with the columns of `like`."""
        paths = [self.path(name) for name in names]
        return like.sparkSession.read.schema(like.schema).parquet(*paths)

    @contextmanager
    def gathered(self, rows: DataFrame, column: str) -> Iterator[DataFrame]:
        """Hold rows on the disks of the executors, those of one value of a column in one place.

        A join by the column then moves the rows of its other side only, however often it is made.
        What an executor takes with it when it is lost is made again, so `rows` should be stored.
        """
        count = int(rows.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
        held = rows.repartition(count, column).sortWithinPartitions(column)
        held.persist(StorageLevel.DISK_ONLY)
        try:
            yield held
        finally:
            held.unpersist()

    def write_numbered(
        self, rows: DataFrame, name: str
    ) -> tuple[DataFrame, tuple["RankedFile", ...]]:
        """Write rows in the order that they have and number them from 0 in that order.

        Args:
            rows: in order within and across partitions, as a range partitioning leaves them.
            name: of the table.

        Returns:
            The table with the further first column `rank` (bigint), and its files in order.
        """
        written = self.write(rows, name).select(
            "*",
            F.col("_metadata.file_name").alias("file_name"),
            F.col("_metadata.row_index").alias("row_index"),
        )
        files, total = [], 0
        for file_name, num_rows in self._counts(name):
            path = f"{self.path(name)}/{file_name}"
            files.append(RankedFile(path=path, first_rank=total, num_rows=num_rows))
            total += num_rows
        starts = rows.sparkSession.createDataFrame(
            [(file.path.rsplit("/", 1)[1], file.first_rank) for file in files],
            "file_name string, offset bigint",
        )
        numbered = written.join(F.broadcast(starts), on="file_name", how="inner")
        rank = (F.col("offset") + F.col("row_index")).alias("rank")
        return numbered.select(rank, *rows.columns), tuple(files)

    def batches(self, name: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Stream a table in the order of its partitions, one bounded batch in memory."""
        filesystem, parts = self._parts(name)
        for part in parts:
            with filesystem.open_input_file(part.path) as source:
                yield from pq.ParquetFile(source).iter_batches(BATCH_ROWS, columns=list(columns))

    def table(self, name: str, schema: pa.Schema) -> pa.Table:
        """A table that fits in memory, in the order of its partitions."""
        batches = self.batches(name, schema.names)
        return pa.Table.from_batches([batch.cast(schema) for batch in batches], schema)

    @contextmanager
    def writer(self, name: str, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
        """Write a table of one file from this process, in place of one that may be there."""
        remove_folder(self.path(name))
        make_folder(self.path(name))
        filesystem, folder = located(self.path(name))
        path = f"{folder}/part-00000.parquet"
        with pq.ParquetWriter(path, schema, compression="zstd", filesystem=filesystem) as writer:
            yield writer

    def clear(self) -> None:
        """Remove all scratch tables."""
        remove_folder(self.folder)

    def _counts(self, name: str) -> Iterator[tuple[str, int]]:
        """Name and rows of each file that has any, in order, from the files' footers."""
        filesystem, parts = self._parts(name)

        def counted(part: fs.FileInfo) -> tuple[str, int]:
            with filesystem.open_input_file(part.path) as source:
                return part.base_name, pq.read_metadata(source).num_rows

        with ThreadPoolExecutor(FOOTERS_AT_ONCE) as pool:
            yield from (found for found in pool.map(counted, parts) if found[1])

    def _parts(self, name: str) -> tuple[fs.FileSystem, list[fs.FileInfo]]:
        """Data files of a table in the order of its partitions."""
        filesystem, folder = located(self.path(name))
        files = filesystem.get_file_info(fs.FileSelector(folder))
        parts = [file for file in files if file.base_name.startswith("part-") and file.size]
        return filesystem, sorted(parts, key=lambda file: part_order(file.base_name))


def part_order(file_name: str) -> tuple[int, str]:
    """Order of Spark's part files: by number, which may have more than five digits."""
    number = re.match(r"part-(\d+)", file_name)
    if number is None:
        raise ValueError(f"{file_name} is not a part file of Spark")
    return int(number[1]), file_name
