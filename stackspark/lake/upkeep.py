"""Upkeep of a lake's tables: columns of today, files of a good size, none that nobody needs."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from delta.tables import DeltaTable
from pyspark.sql import Column, Row, SparkSession
from pyspark.sql import functions as F

from stackspark.contracts.tables import Column as ContractColumn
from stackspark.contracts.tables import table_contract
from stackspark.errors import LakeError
from stackspark.lake.delta_tables import (
    add_columns,
    column_faults,
    data_files,
    head_version,
    read_version,
    replace_rows,
    restore_version,
)
from stackspark.lake.lake import GROWING, RECORDS, Lake
from stackspark.runtime.storage.filesystems import file_sizes, remove_files

DATA_SUFFIX = ".parquet"


@dataclass(frozen=True, kw_only=True)
class Removed:
    """Data files that were deleted."""

    num_files: int
    num_bytes: int


def compact(spark: SparkSession, path: str, target_bytes: int) -> int:
    """Join the small files of a table's newest version into files of about `target_bytes`.

    Returns:
        How many files were joined; 0 where nothing was committed. The rows stay.
    """
    limits = {"minFileSize": target_bytes, "maxFileSize": target_bytes}
    with _settings(spark, {f"spark.databricks.delta.optimize.{k}": v for k, v in limits.items()}):
        done = DeltaTable.forPath(spark, path).optimize().executeCompaction()
        return int(done.select("metrics.numFilesRemoved").collect()[0][0])


def migrate(spark: SparkSession, lake: Lake, name: str) -> bool:
    """Give a table that an older stackspark wrote the columns of its contract.

    New columns that may be null are null, columns that are no longer known go. No row is written
    where there are new columns only: `contents` is too large for that.

    Returns:
        Whether there was anything to do; a version was committed then.

    Raises:
        LakeError: if a new column is required or has another type.
    """
    path, contract = lake.table_path(name), table_contract(name)
    version = head_version(path) if name in RECORDS else lake.base_version(spark, name)
    if version is None or version < 0:
        return False
    rows = read_version(spark, path, version)
    faults = column_faults(rows, contract)
    if not faults:
        return False
    known = dict(rows.dtypes)
    for column in contract.columns:
        is_new = column.name not in known
        if column.required if is_new else known[column.name] != column.data_type:
            raise LakeError(
                f"table {name} of lake {lake.root} cannot be migrated: {'; '.join(faults)}; "
                "name a new lake with --lake"
            )
    new = [column for column in contract.columns if column.name not in known]
    if len(faults) == len(new):
        if name not in RECORDS:
            lake.starts_from_base(spark, name)
        add_columns(spark, path, contract, new)
        return True
    columns = [
        F.col(column.name) if column.name in known else _null(column) for column in contract.columns
    ]
    replace_rows(rows.select(*columns), path, contract)
    return True


def forget(spark: SparkSession, lake: Lake, keep: int) -> tuple[int, dict[str, set[int]]]:
    """Forget all publications but the newest `keep`, and the steps that nobody can go on from.

    Returns:
        How many publications were forgotten, and the versions of each table that are needed.
    """
    publications = lake.publications(spark)
    kept, steps = publications[:keep], lake.steps(spark)
    needed: dict[str, set[int]] = {}
    for versions in (*(each.table_versions for each in kept), *_newest(steps)):
        _add(needed, versions)
    for name in GROWING:
        base = lake.base_version(spark, name)
        _add(needed, {} if base is None else {name: base})
    is_unfinished = {
        name: lake.base_version(spark, name) != lake.audited_version(spark, name)
        for name in GROWING
    }
    going_on = [row for row in steps if _is_needed(row, needed, is_unfinished)]
    lake.keep_records(spark, going_on, kept)
    return len(publications) - len(kept), needed


def remove_unneeded(
    spark: SparkSession, lake: Lake, name: str, versions: Collection[int]
) -> Removed:
    """Delete the data files of a table that none of some versions has; the log stays."""
    path = lake.table_path(name)
    if head_version(path) < 0:
        return Removed(num_files=0, num_bytes=0)
    if versions and head_version(path) not in versions:
        restore_version(spark, path, max(versions))
    needed = {*versions, head_version(path)}
    kept = set().union(*(data_files(read_version(spark, path, version)) for version in needed))
    sizes = file_sizes(path)
    names = [each for each in sizes if each.endswith(DATA_SUFFIX) and each not in kept]
    remove_files(path, names)
    return Removed(num_files=len(names), num_bytes=sum(sizes[each] for each in names))


def _null(column: ContractColumn) -> Column:
    return F.lit(None).cast(column.data_type).alias(column.name)


def _newest(steps: Sequence[Row]) -> Iterator[Mapping[str, int]]:
    """Versions of each step's newest audited row, which a run may take over."""
    audited = {row["step"]: row["table_versions"] for row in steps if row["status"] == "audited"}
    yield from audited.values()


def _add(needed: dict[str, set[int]], versions: Mapping[str, int]) -> None:
    for name, version in versions.items():
        needed.setdefault(name, set()).add(version)


def _is_needed(row: Row, needed: Mapping[str, set[int]], is_unfinished: Mapping[str, bool]) -> bool:
    """Whether a run could go on from a row of `runs`: its files stay, or it is a part of them."""
    versions = row["table_versions"]
    if row["status"] == "partial":
        return any(is_unfinished.get(name, False) for name in versions)
    is_whole = all(version in needed.get(name, ()) for name, version in versions.items())
    return bool(row["status"] == "audited" and is_whole)


@contextmanager
def _settings(spark: SparkSession, settings: dict[str, int]) -> Iterator[None]:
    before = {name: spark.conf.get(name, None) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, str(value))
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, old)
