"""Commits to one Delta table: its columns checked, its constraints set, its metrics read back."""

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from stackspark.contracts.constraints import delta_constraints, table_properties
from stackspark.contracts.tables import Column, TableContract
from stackspark.errors import ContractError, LakeError
from stackspark.runtime.storage.filesystems import file_names, located, stored_text

LOG_ENTRY = re.compile(r"(\d{20})\.(?:json$|checkpoint\.)")

READ_BYTES = 1 << 16
"""Read of a log entry at once: what says what a commit was has some ten kilobytes."""


@dataclass(frozen=True, kw_only=True)
class WriteResult:
    """Version, rows and bytes of one commit, as Delta counted them."""

    version: int
    num_rows: int
    num_bytes: int


def replace_rows(df: DataFrame, path: str, contract: TableContract) -> None:
    """Make the table, or replace its rows, columns and constraints, in one commit.

    Raises:
        ContractError: if the columns are not the contract's, or a row breaks a constraint.
    """
    check_columns(df, contract)
    writer = df.writeTo(f"delta.`{path}`").using("delta")
    for key, value in table_properties(contract).items():
        writer = writer.tableProperty(key, value)
    try:
        writer.createOrReplace()
    except (Py4JJavaError, PySparkException) as error:
        raise _contract_error(contract.name, error) or error from error


def append_rows(df: DataFrame, path: str, contract: TableContract) -> None:
    """Add rows to the table's newest version, in one commit.

    Raises:
        ContractError: if the columns are not the contract's, or a row breaks a constraint.
    """
    check_columns(df, contract)
    try:
        df.write.format("delta").mode("append").save(path)
    except (Py4JJavaError, PySparkException) as error:
        raise _contract_error(contract.name, error) or error from error


def add_columns(
    spark: SparkSession, path: str, contract: TableContract, new: Sequence[Column]
) -> None:
    """Give a table columns of its contract that it lacks, null in all rows; no row is written."""
    names, constraints = contract.column_names, delta_constraints(contract)
    for column in new:
        place = names.index(column.name)
        where = f"after `{names[place - 1]}`" if place else "first"
        added = f"`{column.name}` {column.data_type} {where}"
        spark.sql(f"alter table delta.`{path}` add columns ({added})")
        for rule in column.rules:
            checked = f"{rule.name} check ({constraints[rule.name]})"
            spark.sql(f"alter table delta.`{path}` add constraint {checked}")


def remove_rows(keys: DataFrame, path: str, contract: TableContract) -> None:
    """Take the rows of some keys off the table's newest version, in one commit.

    Where a table has deletion vectors, its data files stay as they are.
    """
    is_same = " and ".join(f"old.`{name}` <=> gone.`{name}`" for name in contract.key)
    table = DeltaTable.forPath(keys.sparkSession, path).alias("old")
    gone = keys.select(*contract.key).alias("gone")
    table.merge(gone, is_same).whenMatchedDelete().execute()


def read_version(spark: SparkSession, path: str, version: int) -> DataFrame:
    """The rows of one version, with whatever columns it has.

    Delta asks its log about the files of a version in jobs of its own before every query, which
    take longer than most queries of a small table. A version does not change, so where Delta wrote
    down the files of one, which it does while they are few, they are read as what they are.

    Raises:
        LakeError: if one of these files is gone.
    """
    summary = _summary(path, version)
    if summary is None:
        return spark.read.format("delta").option("versionAsOf", version).load(path)
    schema = T.StructType.fromJson(json.loads(summary["metadata"]["schemaString"]))
    names = {unquote(file["path"]) for file in summary["allFiles"]}
    # The names are what they are: no patterns, and no partitions that a folder above tells.
    reader = spark.read.schema(schema).options(__globPaths__=False, recursiveFileLookup=True)
    rows = reader.parquet(*(f"{path}/{name}" for name in sorted(names)))
    # Spark passes over what is not there.
    lost = names - data_files(rows)
    if lost:
        raise LakeError(
            f"{path} has lost the data file {min(lost)} of version {version}: bring it back from a "
            "copy, or name a new lake with --lake"
        )
    return rows


def data_files(rows: DataFrame) -> set[str]:
    """Names of the files that the rows of a version are in."""
    return {unquote(uri.rpartition("/")[2]) for uri in rows.inputFiles()}


def _summary(path: str, version: int) -> Mapping[str, Any] | None:
    """Delta's checksum of a version, if that is all that there is to know of its rows.

    Not so where a file has rows that do not count, or columns by other names, or is elsewhere.
    Source: Delta transaction log protocol, version checksum file.
    """
    try:
        summary: dict[str, Any] = json.loads(stored_text(_entry(path, version, "crc")) or "{}")
    except ValueError:
        return None
    files, transaction = summary.get("allFiles"), summary.get("txnId")
    if not files or not transaction or transaction != _commit(path, version).get("txnId"):
        return None
    table = summary["metadata"]
    is_divided = table["partitionColumns"] or "delta.columnMapping.mode" in table["configuration"]
    is_elsewhere = any("/" in file["path"] or file.get("deletionVector") for file in files)
    return None if is_divided or is_elsewhere else summary


def _commit(path: str, version: int) -> Mapping[str, Any]:
    """The log's entry about a commit itself; empty where it was cleaned up."""
    filesystem, entry = located(_entry(path, version, "json"))
    try:
        # Delta names the commit before its files, of which there may be very many.
        with io.BufferedReader(filesystem.open_input_file(entry), READ_BYTES) as lines:
            first: dict[str, Any] = json.loads(lines.readline())
    except FileNotFoundError:
        return {}
    commit: dict[str, Any] = first["commitInfo"]
    return commit


def _entry(path: str, version: int, kind: str) -> str:
    return f"{path}/_delta_log/{version:020}.{kind}"


def restore_version(spark: SparkSession, path: str, version: int) -> None:
    """Commit a new version that equals an old one; only the log is written."""
    DeltaTable.forPath(spark, path).restoreToVersion(version)


def last_commit(path: str) -> WriteResult:
    """Return the newest commit of a table; the counts come from the log, not from a scan."""
    version = head_version(path)
    metrics = _commit(path, version).get("operationMetrics", {})
    return WriteResult(
        version=version,
        num_rows=int(metrics.get("numOutputRows", 0)),
        num_bytes=int(metrics.get("numOutputBytes", 0)),
    )


def head_version(path: str) -> int:
    """Newest version in a table's log, from the names of its files; -1 where there is no table."""
    names = map(LOG_ENTRY.match, file_names(f"{path}/_delta_log"))
    return max((int(name[1]) for name in names if name), default=-1)


def check_columns(df: DataFrame, contract: TableContract) -> None:
    """Compare names, types and order of the columns; nullability is left to the constraints.

    Raises:
        ContractError: naming every column that differs.
    """
    faults = column_faults(df, contract)
    if not faults and df.columns != contract.column_names:
        faults = [f"the order is {', '.join(df.columns)}"]
    if faults:
        raise ContractError(
            f"table {contract.name} needs the columns of its contract: {'; '.join(faults)}; "
            f"select {', '.join(contract.column_names)}"
        )


def column_faults(df: DataFrame, contract: TableContract) -> list[str]:
    """How the names and types of columns differ from those of a contract, in words."""
    wanted = cast("T.StructType", T.StructType.fromDDL(contract.ddl))
    found = {field.name: field.dataType.simpleString() for field in df.schema.fields}
    needed = {field.name: field.dataType.simpleString() for field in wanted.fields}
    faults = [f"{name} is missing" for name in needed if name not in found]
    faults += [f"{name} is not in the contract" for name in found if name not in needed]
    faults += [
        f"{name} is {found[name]}, not {needed[name]}"
        for name in needed
        if name in found and found[name] != needed[name]
    ]
    return faults


def _contract_error(name: str, error: Exception) -> ContractError | None:
    """The error for a person, if Delta stopped a write because of a constraint."""
    violated = re.search(
        r"CHECK constraint (\S+) .*? violated by row with values:\n((?: - .*\n?)+)", str(error)
    )
    if violated is None:
        return None
    pairs = (line.removeprefix(" - ").partition(" : ") for line in violated[2].splitlines()[:5])
    values = ", ".join(f'{column} "{value[:80]}"' for column, _, value in pairs)
    return ContractError(
        f"table {name} breaks rule {violated[1]}: a row has {values}; nothing was written; "
        "correct the stage or its input"
    )
