"""Write shards within a task: Parquet files whose bytes depend on their rows alone."""

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stackspark.contracts.tables import table_contract
from stackspark.export.manifest import UNKNOWN_LANGUAGE, Shard, ShardGroup
from stackspark.runtime.batching import value_runs
from stackspark.runtime.storage.filesystems import joined, publish_file, staging_path

PLAIN_COLUMNS = frozenset({"content", "text", "blob_id", "content_id", "swhid", "path"})
"""Columns, at any depth, whose values hardly repeat: no dictionary is tried for them."""


SHARD_SCHEMA = pa.schema(table_contract("shards").fields("dataset"))


@dataclass(frozen=True, kw_only=True)
class RowGroupLimits:
    """Limits of a row group; a row that is longer has a row group of its own."""

    max_bytes: int
    max_rows: int


@dataclass(frozen=True, kw_only=True)
class RowShape:
    """Shape of the rows of a dataset's shards, and how they are made.

    Attributes:
        schema: of the files.
        key: columns that the rows given to `gather` are sorted by; unique.
        gather: makes rows, with the column `shard`, of the sorted rows that a task is given.
        sizes: bytes that each row counts for against its row group, integer, shape (n,).
        languages: language of each file in the rows, null where unknown.
    """

    schema: pa.Schema
    key: Sequence[str]
    gather: Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]
    sizes: Callable[[pa.RecordBatch], pa.Array]
    languages: Callable[[pa.RecordBatch], pa.Array]


def write_shards(
    batches: Iterable[pa.RecordBatch],
    shape: RowShape,
    groups: Sequence[ShardGroup],
    folder: str,
    row_groups: RowGroupLimits,
) -> Iterator[pa.RecordBatch]:
    """Write the shards that a task's rows belong to.

    Args:
        batches: rows sorted by `shard` and the shape's key; a shard's rows all come here.
        shape: what the rows become.
        groups: gives the files their names.
        folder: where they go.
        row_groups: limits of row groups.

    Yields:
        One row per shard: the fields of `Shard`.
    """
    firsts = [group.first for group in groups]
    file: ShardFile | None = None
    try:
        gathered = shape.gather(batches)
        for rows in chain.from_iterable(value_runs(batch, "shard") for batch in gathered):
            number = rows.column("shard")[0].as_py()
            if file is None or file.number != number:
                if file:
                    yield _row(file.close())
                group = groups[bisect_right(firsts, number) - 1]
                path = joined(folder, group.shard_name(number))
                file = ShardFile(path, number, shape, row_groups)
            file.write(rows)
        if file:
            yield _row(file.close())
    except BaseException:
        if file:
            file.discard()
        raise


class ShardFile:
    """Writes rows, in the order given, in row groups of bounded bytes and rows.

    Rows are cut into row groups by their own sizes, whatever batches they come in. The file appears
    under its name when it is complete, so a task that is killed, or run twice, does no harm.
    """

    def __init__(self, path: str, number: int, shape: RowShape, limits: RowGroupLimits) -> None:
        self.number = number
        self._path = path
        self._shape = shape
        self._limits = limits
        self._staged = staging_path(path)
        repeating = [leaf for leaf in _leaves(shape.schema) if not _is_plain(leaf)]
        self._writer = pq.ParquetWriter(
            self._staged,
            shape.schema,
            version="2.6",
            compression="zstd",
            compression_level=3,
            use_dictionary=repeating,
            write_statistics=repeating,
            store_schema=False,
        )
        self._languages: Counter[str] = Counter()
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._held_rows = 0
        self._num_rows = 0

    def write(self, rows: pa.RecordBatch) -> None:
        """Add rows."""
        self._count_languages(rows)
        sizes = self._shape.sizes(rows).to_numpy(zero_copy_only=False).astype(np.int64)
        ends = np.cumsum(sizes)
        start = 0
        while start < rows.num_rows:
            room = max(self._limits.max_bytes - self._held_bytes, 0)
            stop = int(np.searchsorted(ends, ends[start] - sizes[start] + room, side="right"))
            stop = min(stop, start + self._limits.max_rows - self._held_rows)
            if stop <= start and self._held:
                self._flush()
                continue
            stop = max(stop, start + 1)
            self._held.append(rows.slice(start, stop - start).select(self._shape.schema.names))
            self._held_rows += stop - start
            self._held_bytes += int(sizes[start:stop].sum())
            start = stop

    def close(self) -> Shard:
        """Complete the file under its name."""
        self._flush()
        self._writer.close()
        with self._staged.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size_bytes = self._staged.stat().st_size
        publish_file(self._staged, self._path)
        counts = dict(sorted(self._languages.items()))
        known = next(iter(counts)) if len(counts) == 1 else UNKNOWN_LANGUAGE
        return Shard(
            path=self._path.rpartition("/")[2],
            num_rows=self._num_rows,
            size_bytes=size_bytes,
            sha256=sha256,
            language=None if known == UNKNOWN_LANGUAGE else known,
            language_counts=counts,
        )

    def discard(self) -> None:
        """Give up an incomplete file."""
        # On a disk that is full its end cannot be written either, and it has to go all the same.
        with suppress(OSError):
            self._writer.close()
        self._staged.unlink(missing_ok=True)

    def _count_languages(self, rows: pa.RecordBatch) -> None:
        for counted in pc.value_counts(self._shape.languages(rows)).to_pylist():
            self._languages[counted["values"] or UNKNOWN_LANGUAGE] += counted["counts"]

    def _flush(self) -> None:
        if self._held:
            table = pa.Table.from_batches(self._held).cast(self._shape.schema).combine_chunks()
            self._writer.write_table(table, row_group_size=table.num_rows)
            self._num_rows += table.num_rows
        self._held, self._held_bytes, self._held_rows = [], 0, 0


def _row(shard: Shard) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([asdict(shard)], schema=SHARD_SCHEMA)


def _is_plain(leaf: str) -> bool:
    return leaf.rsplit(".", 1)[-1] in PLAIN_COLUMNS


def _leaves(schema: pa.Schema) -> Iterator[str]:
    """Parquet's own paths of all columns, such as ``files.list.element.path``."""
    for field in schema:
        yield from _leaves_of(field.name, field.type)


def _leaves_of(path: str, kind: pa.DataType) -> Iterator[str]:
    if pa.types.is_list(kind):
        yield from _leaves_of(f"{path}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves_of(f"{path}.{field.name}", field.type)
    else:
        yield path
