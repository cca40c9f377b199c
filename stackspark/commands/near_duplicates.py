"""Near-duplicates of Parquet files of texts, without a lake: in this process, or by Spark."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from pyarrow import fs
from pyspark.sql import functions as F

from stackspark.commands.text_files import TextFiles, find_in_files, kept_rows, open_text_files
from stackspark.duplicates.near.columns import TextColumns, quoted
from stackspark.duplicates.near.params import COMPONENTS, NearDuplicatesParams
from stackspark.duplicates.near.rounds import RoundStats
from stackspark.duplicates.near.texts import deduplicate, read_texts
from stackspark.errors import UsageError
from stackspark.lake.scratch import Scratch
from stackspark.runtime.progress import Progress, task_counter
from stackspark.runtime.session import SessionParams, spark_session
from stackspark.runtime.storage.filesystems import located
from stackspark.runtime.storage.s3 import is_s3

REMOVED, KEPT, SCRATCH, STEP = "removed", "kept", "_scratch", "near-duplicates"

_Found = tuple[int, int, tuple[RoundStats, ...]]
"""Texts, removed texts, rounds."""


@dataclass(frozen=True, kw_only=True)
class DeduplicateOptions:
    """Options of the command; `parquet` is a file or folder, `out` a new or empty folder."""

    parquet: str
    out: str
    columns: TextColumns
    params: NearDuplicatesParams
    with_kept: bool = False
    master: str | None = None
    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class DeduplicateOutcome:
    """Result of the command."""

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
        """Numbers of texts, for a person."""
        share = self.num_removed / self.num_texts if self.num_texts else 0.0
        twins = f"each with a kept twin of similarity {self.threshold} or more"
        if self.rule == COMPONENTS:
            twins = "by components of shared bands: no similarity was verified"
        return (
            f"{self.num_texts:,} texts in = {self.num_kept:,} kept + {self.num_removed:,} removed "
            f"({share:.1%}), {twins}\n"
            f"{self.out}/{REMOVED}"
        )


def deduplicate_parquet(options: DeduplicateOptions) -> DeduplicateOutcome:
    """Remove near-duplicates from a Parquet file or folder; write what was removed, and why.

    Up to `params.max_in_driver` texts this process does it alone, unless a `master` is named.
    `removed` is written last: where it can be read, a run was not cut short.

    Raises:
        UsageError: `out` is not empty, or a column is not there.
        InputError: there is no Parquet, an id is null or not unique, or a text is null.
        ContractError: `params.max_rounds` were not enough.
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
        # What cannot be kept is told before anything is written.
        texts = read_texts(spark, options.parquet, options.columns, whole=options.with_kept)
        with progress.step(STEP) as line:
            found = deduplicate(options.parquet, options.columns, scratch, options.params)
            line.summary = f"{found.num_texts:,} texts, {found.num_removed:,} removed"
        with progress.step("write"):
            if options.with_kept:
                column = quoted(options.columns.id)
                gone = found.rows.select(F.col(column).alias("gone"))
                kept = texts.join(gone, F.col(column).eqNullSafe(F.col("gone")), how="left_anti")
                kept.write.parquet(f"{options.out}/{KEPT}")
            found.rows.write.parquet(f"{options.out}/{REMOVED}")
    finally:
        Scratch(folder=scratch).clear()
    return found.num_texts, found.num_removed, found.rounds


def _here(files: TextFiles, options: DeduplicateOptions, progress: Progress) -> _Found:
    """Search and write by the threads of this process."""
    out = Scratch(folder=options.out)
    with progress.step(STEP) as line:
        found = find_in_files(files, options.params)
        line.summary = f"{len(files):,} texts, {found.rows.num_rows:,} removed"
    with progress.step("write"):
        if options.with_kept:
            with out.writer(KEPT, files.schema) as writer:
                for batch in kept_rows(files, found.stays):
                    writer.write_batch(batch)
        with out.writer(REMOVED, found.rows.schema) as writer:
            writer.write_table(found.rows)
    return len(files), found.rows.num_rows, found.rounds


def _check_out(out: str) -> None:
    filesystem, folder = located(out)
    if filesystem.get_file_info(folder).type == fs.FileType.NotFound:
        return
    if filesystem.get_file_info(fs.FileSelector(folder)):
        raise UsageError(f"--out {out} is not empty; name a new folder")
