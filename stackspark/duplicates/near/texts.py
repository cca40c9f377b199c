"""Near-duplicates of any table of texts: the search alone, without a lake or a recipe."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from pyarrow import fs
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from stackspark.duplicates.near.columns import IdProblems, TextColumns, check_columns, check_ids
from stackspark.duplicates.near.files import (
    TextFiles,
    find_in_files,
    kept_rows,
    named_rows,
    open_text_files,
)
from stackspark.duplicates.near.kernels.bloom_filter import Bitmap
from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.duplicates.near.list_shingles import ListShinglesParams, list_wanted_shingles
from stackspark.duplicates.near.measure_texts import MeasureTextsParams, measure_texts
from stackspark.duplicates.near.params import (
    COMPONENTS,
    NearDuplicatesParams,
    RoundStats,
    in_words,
)
from stackspark.duplicates.near.search import NearDuplicateResult, find_near_duplicates
from stackspark.duplicates.near.tables.settle_twins import NORMALIZED_TEXT
from stackspark.duplicates.near.tables.text_reader import TextReader, rows_with_texts
from stackspark.errors import ContractError, InputError, UsageError
from stackspark.lake.scratch import Scratch
from stackspark.runtime.progress import Progress, task_counter
from stackspark.runtime.session import SessionParams, spark_session
from stackspark.runtime.storage.filesystems import located
from stackspark.runtime.storage.s3 import is_s3

DEFAULTS = NearDuplicatesParams(scope="corpus")
REMOVED, KEPT, SCRATCH, STAGE = "removed", "kept", "_scratch", "near-duplicates"

_Found = tuple[int, int, tuple[RoundStats, ...]]
"""Texts, removed texts, rounds."""


@dataclass(frozen=True, kw_only=True)
class RemovedTexts:
    """What a search removes.

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


@dataclass(frozen=True, kw_only=True)
class DeduplicateOptions:
    """What the command line says; `parquet` is a file or folder, `out` a new or empty folder."""

    parquet: str
    out: str
    columns: TextColumns
    params: NearDuplicatesParams
    with_kept: bool = False
    master: str | None = None
    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class DeduplicateOutcome:
    """What the command made."""

    out: str
    num_texts: int
    num_removed: int
    num_kept: int
    rule: str
    threshold: float
    rounds: tuple[RoundStats, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON for a script."""
        return asdict(self)

    def to_text(self) -> str:
        """What became of the texts, for a person."""
        share = self.num_removed / self.num_texts if self.num_texts else 0.0
        twins = f"each with a kept twin of similarity {self.threshold} or more"
        if self.rule == COMPONENTS:
            twins = "by components of shared bands: no similarity was verified"
        return (
            f"{self.num_texts:,} texts in = {self.num_kept:,} kept + {self.num_removed:,} removed "
            f"({share:.1%}), {twins}\n"
            f"{self.out}/{REMOVED}"
        )


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
        columns: what the columns are called.
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
    rank = F.lit(None).cast("int") if columns.rank is None else F.col(columns.rank)
    scope = F.lit("") if columns.scope is None else F.coalesce(_as_text(columns.scope), F.lit(""))
    payload = [
        F.col(columns.id).alias("id"),
        F.sha1(identity).alias("id_hash"),
        scope.alias("scope"),
        rank.alias("rank"),
    ]
    measuring = MeasureTextsParams(minhash=params.minhash)
    keyed = table.rows_with_texts(payload)
    measured = tables.write(measure_texts(*keyed, measuring), "measured")
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
    _check_settled(found.is_settled, found.rounds)
    rows = tables.write(_named(found, columns), "removed")
    return RemovedTexts(
        rows=rows, num_texts=num_texts, num_removed=rows.count(), rounds=found.rounds
    )


def deduplicate_parquet(options: DeduplicateOptions) -> DeduplicateOutcome:
    """Remove near-duplicates from a Parquet file or folder; write what was removed, and why.

    Up to `params.max_in_driver` texts this process does it alone, unless a `master` is named.
    `removed` is written last: where it can be read, a run was not cut short.
    """
    _check_out(options.out)
    progress = Progress(quiet=options.quiet)
    limit = options.params.max_in_driver
    files = None if options.master else open_text_files(options.parquet, options.columns, limit)
    found = _in_tasks(options, progress) if files is None else _here(files, options, progress)
    num_texts, num_removed, rounds = found
    return DeduplicateOutcome(
        out=options.out,
        num_texts=num_texts,
        num_removed=num_removed,
        num_kept=num_texts - num_removed,
        rule=options.params.rule,
        threshold=options.params.threshold,
        rounds=rounds,
    )


def _in_tasks(options: DeduplicateOptions, progress: Progress) -> _Found:
    """Search and write by Spark."""
    lake = next(filter(is_s3, (options.out, options.parquet)), options.out)
    session = SessionParams(lake=lake)
    spark = spark_session(replace(session, master=options.master) if options.master else session)
    progress.tasks = task_counter(spark)
    scratch = f"{options.out}/{SCRATCH}"
    try:
        with progress.step(STAGE) as line:
            found = deduplicate(options.parquet, options.columns, scratch, options.params)
            line.summary = f"{found.num_texts:,} texts, {found.num_removed:,} removed"
        with progress.step("write"):
            if options.with_kept:
                gone = found.rows.select(options.columns.id)
                texts = _read(spark, options.parquet)
                kept = texts.join(gone, options.columns.id, how="left_anti")
                kept.select(*texts.columns).write.parquet(f"{options.out}/{KEPT}")
            found.rows.write.parquet(f"{options.out}/{REMOVED}")
    finally:
        Scratch(folder=scratch).clear()
    return found.num_texts, found.num_removed, found.rounds


def _here(files: TextFiles, options: DeduplicateOptions, progress: Progress) -> _Found:
    """Search and write by the threads of this process."""
    out = Scratch(folder=options.out)
    with progress.step(STAGE) as line:
        found, order = find_in_files(files, options.params)
        _check_settled(found.is_settled, found.rounds)
        line.summary = f"{len(files):,} texts, {found.twins.num_rows:,} removed"
    with progress.step("write"):
        if options.with_kept:
            with out.writer(KEPT, files.schema) as writer:
                for batch in kept_rows(files, found, order):
                    writer.write_batch(batch)
        rows = named_rows(files, found, order)
        with out.writer(REMOVED, rows.schema) as writer:
            writer.write_table(rows)
    return len(files), found.twins.num_rows, found.rounds


def _check_settled(is_settled: bool, rounds: tuple[RoundStats, ...]) -> None:
    if not is_settled:
        raise ContractError(f"{in_words(rounds[-1])}; raise max_rounds")


def _check_out(out: str) -> None:
    filesystem, folder = located(out)
    if filesystem.get_file_info(folder).type == fs.FileType.NotFound:
        return
    if filesystem.get_file_info(fs.FileSelector(folder)):
        raise UsageError(f"--out {out} is not empty; name a new folder")


def _read(spark: SparkSession, path: str) -> DataFrame:
    try:
        return spark.read.parquet(path)
    except AnalysisException as error:
        raise InputError(f"{path} holds no Parquet: {str(error).splitlines()[0]}") from None


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Texts with the names of their columns; `in_files`: as they lie in files that tasks read."""

    rows: DataFrame
    columns: TextColumns
    in_files: bool

    def rows_with_texts(self, payload: Sequence[Column]) -> tuple[DataFrame, TextReader]:
        """Rows from which tasks get at the texts, and how."""
        return rows_with_texts(self.rows, self.columns.text, payload, self.in_files)


def _table_of(texts: DataFrame | str, columns: TextColumns) -> _Table:
    rows = _read(SparkSession.active(), texts) if isinstance(texts, str) else texts
    check_columns(columns, rows.columns)
    in_files = isinstance(texts, str) and _are_at_hand(rows)
    return _Table(rows=rows, columns=columns, in_files=in_files)


def _are_at_hand(files: DataFrame) -> bool:
    """Whether Parquet files lie where tasks read them without Spark."""
    first = files.select("_metadata.file_path").head()
    return first is not None and (is_s3(first[0]) or first[0].startswith("file:"))


def _as_text(column: str) -> Column:
    return F.col(column).cast("string")


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
    return F.to_json(F.struct(F.col(column).alias("id")))


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
    bitmap = Bitmap(keys.count())
    for batch in tables.batches("wanted", ["key_hash"]):
        bitmap.add(batch.column("key_hash").to_numpy())
    identity = _identity(table.columns.id, table.rows)
    payload = [identity.alias("key"), F.xxhash64(identity).alias("key_hash")]
    shared = table.rows.sparkSession.sparkContext.broadcast(bitmap)
    keyed = table.rows_with_texts(payload)
    listed = list_wanted_shingles(*keyed, shared, ListShinglesParams(minhash=minhash))
    return listed.join(keys, "key", how="inner").select("rank", "shingles")


def _named(found: NearDuplicateResult, columns: TextColumns) -> DataFrame:
    """The removed texts by the names of their user."""
    sizes = found.twins.groupBy("twin").agg((F.count("*") + 1).alias("family_size"))
    members = found.ranked.select(F.col("rank").alias("member"), F.col("blob_id").alias(columns.id))
    kept = found.ranked.select(F.col("rank").alias("twin"), F.col("blob_id").alias("kept_id"))
    is_same = F.col("established_by") == NORMALIZED_TEXT
    return (
        found.twins.join(sizes, "twin", how="inner")
        .join(kept, "twin", how="inner")
        .join(members, "member", how="inner")
        .select(
            columns.id,
            "kept_id",
            "similarity",
            F.when(is_same, "normalized_duplicate").otherwise("near_duplicate").alias("rule"),
            "established_by",
            "family_size",
        )
    )
