"""Export a dataset as Parquet files whose bytes depend on the data alone.

Rows go to the bucket that a hash of their key names, are sorted there by a unique key, and one task
writes a bucket's file. Neither partitions, nor retries, nor the cluster change a byte. Texts are
read where they lie and shuffled once, to their bucket.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from stackspark.errors import ContractError, InvalidParamsError
from stackspark.export.manifest import Shard, ShardGroup, language_slug
from stackspark.export.render_documents import assemble_documents, whole_documents
from stackspark.export.shard_files import SHARD_SCHEMA, RowGroupLimits, RowShape, write_shards
from stackspark.lake.content_reader import ContentBatch, ReadMetrics, map_contents, plan_reads
from stackspark.runtime.batching import byte_cuts
from stackspark.runtime.sizes import NumBytes
from stackspark.runtime.storage.filesystems import (
    STAGING_SUFFIX,
    file_names,
    make_folder,
    remove_files,
)

ID_ROW_BYTES = 512
"""Bytes of the identifiers of one file, about; sizes the shards of `ids`."""
MAX_BATCH_BYTES = 32 * 2**20
MAX_BATCH_ROWS = 10_000
DOCUMENT_KEYS = frozenset(
    {"document_id", "position", "has_metadata", "blob_id", "file", "content", "shard"}
)
"""Columns of a document's files that are not published as columns of the document."""


@dataclass(frozen=True, kw_only=True)
class ShardParams:
    """Sizes of shards.

    Attributes:
        target_file_bytes: text per file, before compression; hashing makes files vary around it.
        row_group_bytes: text per row group; a longer row has a row group of its own.
        row_group_rows: rows per row group.
        seed: of the hash that assigns rows to files.
    """

    target_file_bytes: NumBytes = 512 * 2**20
    row_group_bytes: NumBytes = 64 * 2**20
    row_group_rows: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.target_file_bytes, self.row_group_bytes, self.row_group_rows) < 1:
            raise InvalidParamsError(f"shards need sizes of at least 1, found {self}")


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Which files there will be, and how many files of the dataset must be in them."""

    groups: Sequence[ShardGroup]
    num_files: int

    @property
    def num_shards(self) -> int:
        return sum(group.num_buckets for group in self.groups)


def export_files(
    files: DataFrame,
    contents: DataFrame,
    folder: str,
    params: ShardParams | None = None,
    metrics: ReadMetrics | None = None,
) -> list[Shard]:
    """Write `shards/files`: one row per file with its content, in shards of one language each.

    Args:
        files: from `shape_files_export`; evaluated twice, so hand in what is stored or cached.
        contents: the table `contents` as it was read.
        folder: `LAKE/shards/files/<id>`; other shards in it are removed.
        params: sizes.
        metrics: where to count what is read of `contents`.

    Returns:
        The shards by path.

    Raises:
        ContractError: if a file's text is not in `contents`.
    Shuffles: `files` by blob and by place; the texts once, by shard.
    """
    params = params or ShardParams()
    # No language is called "": it stands for files of which none is known.
    language = F.coalesce("language", F.lit(""))
    layout = _layout(files, F.col("length_bytes"), params, language)
    key = ("directory_id", "path")
    keyed = _assigned(files, layout, key, params, language)
    rows = _with_content(keyed, contents, metrics)
    shape = RowShape(
        schema=_nullable(to_arrow_schema(rows.drop("shard").schema)),
        key=key,
        gather=iter,
        sizes=lambda batch: pc.binary_length(batch.column("content")),
        languages=lambda batch: batch.column("language"),
    )
    return _export(rows, layout, shape, folder, params)


def export_documents(
    document_files: DataFrame,
    contents: DataFrame,
    folder: str,
    params: ShardParams | None = None,
    metrics: ReadMetrics | None = None,
) -> list[Shard]:
    """Write `shards/documents`: one row per document, its files with content, the rendered text.

    Args:
        document_files: from `shape_documents_export`; evaluated twice.
        contents: the table `contents` as it was read.
        folder: `LAKE/shards/documents/<id>`; other shards in it are removed.
        params: sizes.
        metrics: where to count what is read of `contents`.

    Returns:
        The shards by path.

    Raises:
        ContractError: if a file's text is not in `contents`.
    Shuffles: `document_files` by blob and by place; the texts once, by shard.
    """
    params = params or ShardParams()
    # A row holds each text twice: as a file's content, and in the rendered text.
    layout = _layout(document_files, F.col("file.length_bytes") * 2, params)
    keyed = _assigned(document_files, layout, ("document_id",), params)
    rows = _with_content(keyed, contents, metrics)
    shape = _document_shape(rows, has_content=True)
    return _export(rows, layout, shape, folder, params)


def export_ids(
    document_files: DataFrame, folder: str, params: ShardParams | None = None
) -> list[Shard]:
    """Write `shards/ids`: one row per document with the identifiers of its files, no content.

    Args:
        document_files: from `shape_ids_export`; evaluated twice.
        folder: `LAKE/shards/ids/<id>`; other shards in it are removed.
        params: sizes.

    Returns:
        The shards by path.
    Shuffles: one, by shard.
    """
    params = params or ShardParams()
    layout = _layout(document_files, F.lit(ID_ROW_BYTES), params)
    rows = _assigned(document_files, layout, ("document_id",), params)
    shape = _document_shape(rows, has_content=False)
    return _export(rows, layout, shape, folder, params)


def export_notices(
    notices: DataFrame,
    contents: DataFrame,
    folder: str,
    params: ShardParams | None = None,
    metrics: ReadMetrics | None = None,
) -> list[Shard]:
    """Write `shards/notices`: one row per licence text that kept files rest on.

    Args:
        notices: from `shape_notices_export`; evaluated twice, so hand in what is stored.
        contents: the table `contents` as it was read.
        folder: `LAKE/shards/notices/<id>`; other shards in it are removed.
        params: sizes.
        metrics: where to count what is read of `contents`.

    Returns:
        The shards by path.

    Raises:
        ContractError: if a text is not in `contents`.
    Shuffles: `notices` by blob and by place; the texts once, by shard.
    """
    params = params or ShardParams()
    layout = _layout(notices, F.col("length_bytes"), params)
    keyed = _assigned(notices, layout, ("blob_id",), params)
    rows = _with_content(keyed, contents, metrics)
    shape = RowShape(
        schema=_nullable(to_arrow_schema(rows.drop("shard").schema)),
        key=("blob_id",),
        gather=iter,
        sizes=lambda batch: pc.binary_length(batch.column("content")),
        languages=lambda batch: pa.nulls(batch.num_rows, pa.string()),
    )
    return _export(rows, layout, shape, folder, params)


def _layout(
    files: DataFrame, weight: Column, params: ShardParams, language: Column | None = None
) -> _Layout:
    """Plan the shards from one row per language; there are hundreds of languages, not more."""
    name = F.lit("") if language is None else language
    sums = (
        files.groupBy(name.alias("language"))
        .agg(F.sum(weight).alias("size_bytes"), F.count(F.lit(1)).alias("num_files"))
        .orderBy("language")
        .collect()
    )
    buckets = [max(1, -(-row.size_bytes // params.target_file_bytes)) for row in sums]
    groups = [
        ShardGroup(
            language=row.language,
            slug=None if language is None else language_slug(row.language or None),
            first=first,
            num_buckets=count,
        )
        for row, first, count in zip(sums, accumulate(buckets, initial=0), buckets, strict=False)
    ]
    return _Layout(groups=groups, num_files=sum(row.num_files for row in sums))


def _assigned(
    files: DataFrame,
    layout: _Layout,
    key: Sequence[str],
    params: ShardParams,
    language: Column | None = None,
) -> DataFrame:
    """Number the shard of each row: the group's first, and a hash of the key within the group."""
    name = F.lit("") if language is None else language
    first = _looked_up({group.language: group.first for group in layout.groups}, name)
    count = _looked_up({group.language: group.num_buckets for group in layout.groups}, name)
    bucket = F.pmod(F.xxhash64(F.lit(params.seed), *key), count)
    return files.withColumn("shard", (first + bucket).cast("int"))


def _looked_up(values: dict[str, int], key: Column) -> Column:
    if not values:
        return F.lit(0)
    pairs = chain.from_iterable((F.lit(name), F.lit(value)) for name, value in values.items())
    return F.element_at(F.create_map(*pairs), key)


def _with_content(
    requests: DataFrame, contents: DataFrame, metrics: ReadMetrics | None
) -> DataFrame:
    schema = T.StructType([*requests.schema, T.StructField("content", T.StringType())])
    return map_contents(plan_reads(requests, contents), _attached, schema, metrics)


def _attached(batches: Iterator[ContentBatch]) -> Iterator[pa.RecordBatch]:
    """Requests with their text; a blob that many files hold is repeated in bounded batches."""
    for batch in batches:
        lengths = pc.binary_length(batch.texts).to_numpy(zero_copy_only=False)
        sizes = lengths[batch.text_index].astype("int64")
        for start, stop in byte_cuts(sizes, MAX_BATCH_BYTES, MAX_BATCH_ROWS):
            texts = batch.texts.take(pa.array(batch.text_index[start:stop]))
            yield batch.requests.slice(start, stop - start).append_column("content", texts)


def _document_shape(rows: DataFrame, *, has_content: bool) -> RowShape:
    """How the rows of a document's files become its row; `files` stands before `num_files`."""
    given = to_arrow_schema(rows.schema)
    kept = [name for name in given.names if name not in DOCUMENT_KEYS]
    file_fields = [*given.field("file").type, *([given.field("content")] if has_content else [])]
    added = {"files": pa.list_(pa.struct(file_fields))}
    added |= {"text": pa.string(), "num_escaped_sentinels": pa.int64()} if has_content else {}
    place = kept.index("num_files")
    names = [*kept[:place], "files", *kept[place:], *list(added)[1:]]

    def gather(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for files in whole_documents(batches):
            yield assemble_documents(files, [*kept, "shard"], has_content=has_content)

    def sizes(batch: pa.RecordBatch) -> pa.Array:
        if has_content:
            return pc.multiply(pc.binary_length(batch.column("text")), 2)
        return pc.multiply(pc.list_value_length(batch.column("files")), ID_ROW_BYTES)

    return RowShape(
        schema=_nullable(
            pa.schema([(name, added.get(name) or given.field(name).type) for name in names])
        ),
        key=("document_id", "position"),
        gather=gather,
        sizes=sizes,
        languages=lambda batch: pc.struct_field(batch.column("files").flatten(), "language"),
    )


def _nullable(schema: pa.Schema) -> pa.Schema:
    """The schema with every field nullable, so that no plan of Spark's changes a byte."""
    return pa.schema([pa.field(field.name, _nullable_type(field.type)) for field in schema])


def _nullable_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.list_(pa.field("element", _nullable_type(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _nullable_type(field.type)) for field in kind])
    return kind


def _export(
    rows: DataFrame,
    layout: _Layout,
    shape: RowShape,
    folder: str,
    params: ShardParams,
) -> list[Shard]:
    """Write every shard in a task of its own; the driver gets one small row per shard."""
    make_folder(folder)
    shards = _written(rows, layout, shape, folder, params) if layout.num_shards else []
    written = sum(sum(shard.language_counts.values()) for shard in shards)
    if written != layout.num_files:
        raise ContractError(
            f"the export to {folder} needs the text of {layout.num_files} files, found "
            f"{written} in contents; run the scan again"
        )
    _sweep(folder, {shard.path for shard in shards})
    return shards


def _written(
    rows: DataFrame,
    layout: _Layout,
    shape: RowShape,
    folder: str,
    params: ShardParams,
) -> list[Shard]:
    groups = layout.groups
    limits = RowGroupLimits(max_bytes=params.row_group_bytes, max_rows=params.row_group_rows)

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return write_shards(batches, shape, groups, folder, limits)

    written = (
        rows.repartitionById(layout.num_shards, F.col("shard"))
        .sortWithinPartitions("shard", *shape.key)
        .mapInArrow(write, from_arrow_schema(SHARD_SCHEMA))
        .collect()
    )
    return sorted((Shard(**row.asDict()) for row in written), key=lambda shard: shard.path)


def _sweep(folder: str, names: set[str]) -> None:
    """Remove what a killed task or an earlier try of the same export left behind."""
    found = file_names(folder)
    shards = {name for name in found if name.startswith("part-") and name.endswith(".parquet")}
    staged = {name for name in found if name.endswith(STAGING_SUFFIX)}
    remove_files(folder, sorted((shards - names) | staged))
