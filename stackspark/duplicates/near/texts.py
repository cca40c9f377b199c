"""Near-duplicates of any table of texts: the search alone, without a lake or a recipe."""

from dataclasses import dataclass, fields

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_type

from stackspark.duplicates.near.columns import (
    IdProblems,
    TextColumns,
    check_columns,
    check_ids,
    quoted,
)
from stackspark.duplicates.near.kernels.bloom_filter import BloomFilter
from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.duplicates.near.params import NORMALIZED_TEXT, NearDuplicatesParams
from stackspark.duplicates.near.rounds import RoundStats
from stackspark.duplicates.near.search import NearDuplicateResult, find_near_duplicates
from stackspark.duplicates.near.tables.ranks import with_ids
from stackspark.duplicates.near.tables.text_reader import TextReader, rows_with_texts
from stackspark.duplicates.near.tables.texts import list_wanted_shingles, measure_texts
from stackspark.errors import InputError, UsageError
from stackspark.lake.scratch import Scratch
from stackspark.runtime.storage.filesystems import located
from stackspark.runtime.storage.parquet_sets import (
    check_text,
    joined_schema,
    parquet_files,
    read_footers,
)
from stackspark.runtime.storage.s3 import is_s3

DEFAULTS = NearDuplicatesParams(scope="corpus")

PATTERN_SIGNS = "*?[{"
"""Signs of a pattern that Spark may find files by."""

UNREAD_CODECS = ("BROTLI", "LZO")
_WIDER = {
    pa.uint8(): T.ShortType(),
    pa.uint16(): T.IntegerType(),
    pa.uint32(): T.LongType(),
    pa.uint64(): T.DecimalType(20, 0),
    pa.null(): T.IntegerType(),
    pa.large_string(): T.StringType(),
    pa.large_binary(): T.BinaryType(),
}
"""Types of Arrow that Spark reads as others."""


@dataclass(frozen=True, kw_only=True)
class RemovedTexts:
    """The texts that a search removes.

    `rows` has one row per removed text: `id` (under its own name), `kept_id`, `similarity` in 0..1,
    `rule` (normalized_duplicate or near_duplicate), `established_by` (normalized_text, estimated,
    exact, or component where the rule `components` joined two texts whatever their similarity) and
    `family_size`, the texts that `kept_id` stands for, itself included. It reads from the scratch
    folder.
    """

    rows: DataFrame
    num_texts: int
    num_removed: int
    rounds: tuple[RoundStats, ...]


def deduplicate(
    texts: DataFrame | str,
    columns: TextColumns,
    scratch: str,
    params: NearDuplicatesParams = DEFAULTS,
) -> RemovedTexts:
    """Find the texts to remove as near-duplicates of better ones.

    Args:
        texts: one row per text; it is read once, and once a round more where exact similarities
            are asked for. Of Parquet files their path is faster than a table: their texts do not
            pass the JVM. Columns that `columns` does not name are ignored.
        columns: names of its columns.
        scratch: a folder for the tables between the rounds, local or ``s3a://``.
        params: rule, threshold, permutations and bands; `params.scope` does not matter here.

    Raises:
        UsageError: a column that is not there.
        InputError: a path holds no Parquet, an id is null or not unique, or a text is null.
        ContractError: `params.max_rounds` were not enough.
    Shuffles: ids, hashes and signatures; never a text.
    """
    table = _table_of(texts, columns)
    tables = Scratch(folder=scratch)
    identity = _identity(columns.id, table.rows)
    rank = F.lit(None).cast("int") if columns.rank is None else F.col(quoted(columns.rank))
    scope = F.lit("") if columns.scope is None else F.coalesce(_as_text(columns.scope), F.lit(""))
    payload = [
        F.col(quoted(columns.id)).alias("id"),
        F.sha1(identity).alias("id_hash"),
        scope.alias("scope"),
        rank.alias("rank"),
    ]
    measured = tables.write(measure_texts(*table.with_texts(payload), params.minhash), "measured")
    num_texts = _checked_count(measured, columns)
    candidates = measured.select(
        F.col("id").alias("blob_id"),
        "scope",
        "normalized_hash",
        "band_hashes",
        "signature",
        F.struct(F.isnull("rank").alias("last"), "rank", "id_hash").alias("keep_order"),
    )

    def shingles_of(wanted: DataFrame) -> DataFrame:
        return _shingles_of(table, wanted, tables, params.minhash)

    found = find_near_duplicates(candidates, params, tables, shingles_of)
    found.check_settled()
    rows = tables.write(_named(found, columns), "removed")
    return RemovedTexts(
        rows=rows, num_texts=num_texts, num_removed=rows.count(), rounds=found.rounds
    )


def read_texts(
    spark: SparkSession, path: str, columns: TextColumns, *, whole: bool = False
) -> DataFrame:
    """Table of the Parquet files of a path: one schema of all, whatever lies beside them.

    Args:
        spark: the session.
        path: of a file or folder, or a pattern.
        columns: names of those that are needed.
        whole: with all other columns as well.

    Raises:
        InputError: there is no Parquet, or files whose columns cannot be joined.
        UsageError: a column that is not there, or holds no texts, or that Spark cannot read.
    """
    reader = spark.read
    if is_pattern(path):
        try:
            return reader.parquet(path)
        except AnalysisException as error:
            raise InputError(f"{path} holds no Parquet: {str(error).splitlines()[0]}") from None
    files = parquet_files(path)
    footers = read_footers(path, files)
    schema = joined_schema({name: f.schema.to_arrow_schema() for name, f in footers.items()})
    for name, footer in footers.items():
        _check_codec(name, footer)
    # A folder may tell the value of a column for all files below it.
    place = located(path)[1]
    if not any("=" in file[len(place) :] for file in files):
        check_columns(columns, schema.names)
        check_text(schema, columns.text)
    uris = [path.rstrip("/") + file[len(place) :] for file in files]
    if uris != [path]:
        reader = reader.option("basePath", path)
    fields = [_spark_field(each) for each in schema if whole or each.name in columns.named]
    return reader.schema(T.StructType(fields)).options(__globPaths__=False).parquet(*uris)


def is_pattern(path: str) -> bool:
    """Whether Spark may find files by a path that is none itself."""
    filesystem, place = located(path)
    is_there = filesystem.get_file_info(place).type != fs.FileType.NotFound
    return not is_there and any(sign in path for sign in PATTERN_SIGNS)


def _spark_field(field: pa.Field) -> T.StructField:
    """A column as Spark reads it.

    Raises:
        UsageError: Spark does not.
    """
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    is_read = not (pa.types.is_timestamp(kind) and kind.unit == "ns")
    try:
        if is_read:
            known = _WIDER.get(kind) or from_arrow_type(kind, prefer_timestamp_ntz=True)
            return T.StructField(field.name, known)
    except PySparkException:
        pass
    raise UsageError(
        f"the column {field.name!r} is of type {field.type}, which Spark does not read; cast it"
    )


def _check_codec(file: str, footer: pq.FileMetaData) -> None:
    if not footer.num_row_groups or not footer.num_columns:
        return
    codec = footer.row_group(0).column(0).compression
    if codec in UNREAD_CODECS:
        raise UsageError(f"{file} is compressed by {codec}, which Spark does not read; rewrite it")


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Texts with the names of their columns; `in_files`: as they lie in files that tasks read."""

    rows: DataFrame
    columns: TextColumns
    in_files: bool

    def with_texts(self, payload: list[Column]) -> tuple[DataFrame, TextReader]:
        """Rows from which tasks get at the texts, and how."""
        return rows_with_texts(self.rows, self.columns.text, payload, self.in_files)


def _table_of(texts: DataFrame | str, columns: TextColumns) -> _Table:
    rows = read_texts(SparkSession.active(), texts, columns) if isinstance(texts, str) else texts
    check_columns(columns, rows.columns)
    in_files = isinstance(texts, str) and _are_at_hand(rows)
    return _Table(rows=rows, columns=columns, in_files=in_files)


def _are_at_hand(files: DataFrame) -> bool:
    """Whether Parquet files lie where tasks read them without Spark."""
    first = files.select("_metadata.file_path").head()
    return first is not None and (is_s3(first[0]) or first[0].startswith("file:"))


def _as_text(column: str) -> Column:
    return F.col(quoted(column)).cast("string")


def _checked_count(measured: DataFrame, columns: TextColumns) -> int:
    """Number of texts, once every id is there and unique and every text is there."""
    by_id = measured.groupBy("id_hash").agg(
        F.count("*").alias("num_texts"),
        F.count_if("is_null").alias("num_null"),
        F.first("id").alias("id"),
    )
    repeated = F.col("num_texts") > 1
    row = by_id.agg(
        F.coalesce(F.sum("num_texts"), F.lit(0)).alias("num_texts"),
        F.coalesce(F.sum("num_null"), F.lit(0)).alias("num_null"),
        F.count_if(F.isnull("id")).alias("num_without_id"),
        F.count_if(repeated).alias("num_repeated"),
        F.min(F.when(repeated, F.to_json(F.struct("id")))).alias("example"),
    ).collect()[0]
    problems = IdProblems(**{item.name: row[item.name] for item in fields(IdProblems)})
    check_ids(columns, problems)
    return int(row["num_texts"])


def _identity(column: str, rows: DataFrame) -> Column:
    """Text that stands for an id of any type: its own where that is a string or a whole number."""
    if isinstance(rows.schema[column].dataType, T.StringType | T.IntegralType):
        return _as_text(column)
    return F.to_json(F.struct(F.col(quoted(column)).alias("id")))


def _shingles_of(
    table: _Table,
    wanted: DataFrame,
    tables: Scratch,
    minhash: MinHashParams,
) -> DataFrame:
    """Shingles of the wanted texts: another pass over all texts, none of which is shuffled."""
    key = _identity("blob_id", wanted)
    keys = tables.write(
        wanted.select("rank", key.alias("key"), F.xxhash64(key).alias("key_hash")), "wanted"
    )
    wanted_keys = BloomFilter(keys.count())
    for batch in tables.batches("wanted", ["key_hash"]):
        wanted_keys.add(batch.column("key_hash").to_numpy())
    identity = _identity(table.columns.id, table.rows)
    payload = [identity.alias("key"), F.xxhash64(identity).alias("key_hash")]
    shared = table.rows.sparkSession.sparkContext.broadcast(wanted_keys)
    listed = list_wanted_shingles(*table.with_texts(payload), shared, minhash)
    return listed.join(keys, "key", how="inner").select("rank", "shingles")


def _named(found: NearDuplicateResult, columns: TextColumns) -> DataFrame:
    """The removed texts by the names of their user."""
    sizes = found.twins.groupBy("twin").agg((F.count("*") + 1).alias("family_size"))
    is_same = F.col("established_by") == NORMALIZED_TEXT
    sized = found.twins.join(sizes, "twin", how="inner")
    return with_ids(sized, found.ranked, twin="kept_id", member="id").select(
        F.col("id").alias(columns.id),
        "kept_id",
        "similarity",
        F.when(is_same, "normalized_duplicate").otherwise("near_duplicate").alias("rule"),
        "established_by",
        "family_size",
    )
