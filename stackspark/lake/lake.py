"""The lake: one Delta table per contract, versions that were audited, runs that were published.

A stage commits a version that nobody sees yet. `record_step` makes it audited once its contract
holds, `publish` makes the versions of a whole run visible in one commit. Readers see published
versions only, and writers start from the last audited version, never from a rejected one.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract
from stackspark.errors import ContractError, LakeError
from stackspark.lake.delta_tables import (
    WriteResult,
    append_rows,
    column_faults,
    head_version,
    last_commit,
    read_version,
    remove_rows,
    replace_rows,
    restore_version,
)
from stackspark.runtime.storage.objects import object_folder

LAKE_FORMAT = 1
MARKER_NAME = "_stackspark.json"
GROWING = ("contents", "file_languages", "license_texts", "measurements", "similarities")
"""Tables that runs add to; the others are written anew by each run."""
RECORDS = ("publications", "runs")
"""Tables that are read at their newest version."""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """One published run: the versions that a reader of it sees."""

    run_id: str
    sequence: int
    published_at: datetime
    recipe: str
    params: str
    table_versions: Mapping[str, int]
    fingerprints: Mapping[str, str]
    contract_results: str
    lake_format: int


class Lake:
    """Tables below one root, a local path or `s3a://...`.

    What it has read of `runs` and `publications` it keeps, so one object shows one state of the
    lake: a writer makes it after taking the lock, a long-lived reader makes a new one.
    """

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/") or "/"
        self._recorded: list[Row] | None = None
        self._publications: dict[str | None, Publication | None] = {}

    def table_path(self, name: str) -> str:
        """Path of a table's folder."""
        # Delta takes a relative path in SQL for the name of a table.
        root = self.root if "://" in self.root else Path(self.root).absolute()
        return f"{root}/tables/{name}"

    def exists(self) -> bool:
        """Whether there is a lake, of whatever version."""
        return object_folder(self.root).read(MARKER_NAME) is not None

    def create_or_open(self) -> None:
        """Make the lake if it is not there, and check that this version can read it.

        Raises:
            LakeError: if the lake was made by a newer version, or is not a lake.
        """
        folder = object_folder(self.root)
        folder.create(MARKER_NAME, json.dumps({"lake_format": LAKE_FORMAT}).encode())
        self.open()

    def open(self) -> None:
        """Check that there is a lake that this version can read.

        Raises:
            LakeError: if there is none, it was made by a newer version, or is not a lake.
        """
        marker = object_folder(self.root).read(MARKER_NAME)
        if marker is None:
            raise LakeError(f"{self.root} holds no lake; name one with --lake or run a recipe")
        found = _lake_format(self.root, marker.data)
        if found > LAKE_FORMAT:
            raise LakeError(
                f"lake {self.root} has format {found}, this stackspark reads up to "
                f"{LAKE_FORMAT}; install a newer stackspark"
            )

    def write(
        self, spark: SparkSession, name: str, df: DataFrame, mode: str = "overwrite"
    ) -> WriteResult:
        """Commit a new version of a table; readers do not see it before it is published.

        `overwrite` replaces all rows, `append` adds to the base version, `remove` takes those off
        it whose key is among the rows. The table gets its contract's constraints, so a row that
        breaks one stops the write.

        Raises:
            ContractError: if the columns are not the contract's, or a row breaks a constraint.
            LakeError: if the table has lost commits that were recorded; their numbers would be
                given again, and a published run would show what was written now.
        """
        versions = [row["table_versions"].get(name, -1) for row in self.steps(spark)]
        self._check_log(name, max(versions, default=-1))
        contract = table_contract(name)
        if mode != "overwrite" and self.starts_from_base(spark, name):
            change = append_rows if mode == "append" else remove_rows
            change(df, self.table_path(name), contract)
        else:
            replace_rows(df, self.table_path(name), contract)
        return last_commit(self.table_path(name))

    def read(self, spark: SparkSession, name: str, version: int | None = None) -> DataFrame:
        """Return one version of a table; without a number the published one.

        Raises:
            LakeError: if nothing is published, the published run has no such table, or the table
                has lost that version or has other columns than its contract.
        """
        if version is None:
            version = self._published_version(spark, name)
        self._check_log(name, version)
        rows = read_version(spark, self.table_path(name), version)
        self._check_columns(name, rows)
        return rows

    def record_step(self, spark: SparkSession, row: Mapping[str, Any]) -> Callable[[], None]:
        """Take note of one row of `runs`, and return what commits it.

        A row with status `audited` makes its versions audited. One with status `partial` makes its
        versions what the next append goes on from, until the step is audited or fails. To this
        object they are from now on, to others once the row is committed.
        """
        recorded = _rows_of(spark, "runs", [row])
        self.steps(spark).append(Row(**row))
        return lambda: self._append_row("runs", recorded)

    def audited_version(self, spark: SparkSession, name: str) -> int | None:
        """Return the newest version of a table that passed its contract; None if there is none."""
        versions = self._audited_versions(spark, name)
        return max(versions, default=None)

    def base_version(self, spark: SparkSession, name: str) -> int | None:
        """Return the version that an append goes on from; None if there is none.

        That is the last audited one, or a later one that is a part of a step which did not end.
        """
        rows = [row for row in self.steps(spark) if name in row["table_versions"]]
        # By version, not by time: a clock may be set back between two steps.
        order = [(row["table_versions"][name], row["status"] != "partial") for row in rows]
        last = rows[order.index(max(order))] if rows else None
        if last is not None and last["status"] == "partial":
            return int(last["table_versions"][name])
        return self.audited_version(spark, name)

    def audited_step(self, spark: SparkSession, step: str, fingerprint: str) -> Row | None:
        """Return the newest audited row of `runs` for a step and fingerprint; None if none is."""
        rows = [row for row in self._audited(spark, step) if row["fingerprint"] == fingerprint]
        return rows[-1] if rows else None

    def newest_step(self, spark: SparkSession, step: str) -> Row | None:
        """Return the newest audited row of `runs` for a step; None if there is none."""
        rows = self._audited(spark, step)
        return rows[-1] if rows else None

    def num_parts(self, spark: SparkSession, fingerprint: str) -> int:
        """Count the commits of a step that has not ended."""
        return sum(
            row["status"] == "partial" and row["fingerprint"] == fingerprint
            for row in self.steps(spark)
        )

    def unended_steps(self, spark: SparkSession, fingerprint: str) -> list[Row]:
        """The last row of each run that did a part of a step and did not end it."""
        rows = [row for row in self.steps(spark) if row["fingerprint"] == fingerprint]
        ended = {row["run_id"] for row in rows if row["status"] == "audited"}
        last = {row["run_id"]: row for row in rows if row["run_id"] not in ended}
        return list(last.values())

    def publish(self, spark: SparkSession, row: Mapping[str, Any]) -> Publication:
        """Make the versions of a run what readers see, in one commit.

        Args:
            spark: the session.
            row: the columns of `publications` without `sequence`, `published_at` and
                `lake_format`, which are set here.

        Raises:
            ContractError: if a version in `table_versions` has not been audited.
        """
        for name, version in row["table_versions"].items():
            if version not in self._audited_versions(spark, name):
                raise ContractError(
                    f"run {row['run_id']} cannot be published: {name}@v{version} has not passed "
                    "its contract; run its step again"
                )
        last = self.published(spark)
        publication = Publication(
            **row,
            sequence=last.sequence + 1 if last else 0,
            published_at=datetime.now(UTC),
            lake_format=LAKE_FORMAT,
        )
        self._append_row("publications", _rows_of(spark, "publications", [vars(publication)]))
        self._publications = {None: publication}
        return publication

    def published(self, spark: SparkSession, run_id: str | None = None) -> Publication | None:
        """Return the newest publication, or that of one run; None if there is none."""
        if run_id not in self._publications:
            self._publications[run_id] = self._find_publication(spark, run_id)
        return self._publications[run_id]

    def _find_publication(self, spark: SparkSession, run_id: str | None) -> Publication | None:
        rows = self._rows(spark, "publications")
        if rows is None:
            return None
        if run_id is not None:
            rows = rows.where(F.col("run_id") == run_id)
        newest = rows.orderBy(F.desc("sequence")).limit(1).collect()
        return _publication(newest[0]) if newest else None

    def _published_version(self, spark: SparkSession, name: str) -> int:
        publication = self.published(spark)
        if publication is None:
            raise LakeError(f"lake {self.root} has no published run; finish a run first")
        if name not in publication.table_versions:
            raise LakeError(
                f"run {publication.run_id} of lake {self.root} has no table {name}; it has "
                f"{', '.join(sorted(publication.table_versions))}"
            )
        return publication.table_versions[name]

    def publications(self, spark: SparkSession) -> list[Publication]:
        """Every publication, the newest first."""
        rows = self._rows(spark, "publications")
        found = [] if rows is None else rows.orderBy(F.desc("sequence")).collect()
        return [_publication(row) for row in found]

    def keep_records(
        self, spark: SparkSession, steps: Sequence[Row], publications: Sequence[Publication]
    ) -> None:
        """Forget every step and publication but these."""
        if len(publications) < len(self.publications(spark)):
            self._replace_records(spark, "publications", [vars(each) for each in publications])
        if len(steps) < len(self.steps(spark)):
            self._replace_records(spark, "runs", steps)
        self._recorded, self._publications = None, {}

    def steps(self, spark: SparkSession) -> list[Row]:
        """Rows of `runs` by time, a few per step of a run, so they are kept."""
        if self._recorded is None:
            rows = self._rows(spark, "runs")
            self._recorded = (
                [] if rows is None else rows.orderBy("finished_at", "run_id", "step").collect()
            )
        return self._recorded

    def _audited(self, spark: SparkSession, step: str) -> list[Row]:
        rows = self.steps(spark)
        return [row for row in rows if row["status"] == "audited" and row["step"] == step]

    def _audited_versions(self, spark: SparkSession, name: str) -> set[int]:
        maps = [row["table_versions"] for row in self.steps(spark) if row["status"] == "audited"]
        return {versions[name] for versions in maps if name in versions}

    def starts_from_base(self, spark: SparkSession, name: str) -> bool:
        """Bring the head of a table back to what an append goes on from; False if that is nothing.

        What a killed writer committed and did not record is left behind.
        """
        base = self.base_version(spark, name)
        if base is None:
            return False
        if head_version(self.table_path(name)) != base:
            restore_version(spark, self.table_path(name), base)
        return True

    def _check_log(self, name: str, version: int) -> None:
        """Refuse a table whose log ends before a version that was recorded."""
        path = self.table_path(name)
        head = head_version(path)
        if head < version:
            raise LakeError(
                f"table {name} of lake {self.root} has lost commits: its log ends at version "
                f"{head}, version {version} was recorded; bring {path}/_delta_log back from a "
                "copy, or name a new lake with --lake"
            )

    def _rows(self, spark: SparkSession, name: str) -> DataFrame | None:
        head = head_version(self.table_path(name))
        if head < 0:
            return None
        rows = read_version(spark, self.table_path(name), head)
        self._check_columns(name, rows)
        return rows

    def _check_columns(self, name: str, rows: DataFrame) -> None:
        """Refuse a table that another version of stackspark wrote with other columns."""
        faults = column_faults(rows, table_contract(name))
        if faults:
            mend = "run stackspark maintain" if name in GROWING + RECORDS else "run a recipe again"
            raise LakeError(
                f"table {name} of lake {self.root} was written by another version of stackspark: "
                f"{'; '.join(faults)}; {mend}, or name a new lake with --lake"
            )

    def _replace_records(
        self, spark: SparkSession, name: str, rows: Sequence[Mapping[str, Any] | Row]
    ) -> None:
        kept = _rows_of(spark, name, rows)
        replace_rows(kept, self.table_path(name), table_contract(name))

    def _append_row(self, name: str, row: DataFrame) -> None:
        contract = table_contract(name)
        if head_version(self.table_path(name)) >= 0:
            append_rows(row, self.table_path(name), contract)
        else:
            replace_rows(row, self.table_path(name), contract)


def _lake_format(root: str, marker: bytes) -> int:
    try:
        return int(json.loads(marker)["lake_format"])
    except (ValueError, KeyError, TypeError) as error:
        raise LakeError(
            f"{root}/{MARKER_NAME} is not a lake's marker; name another folder with --lake"
        ) from error


def _publication(row: Row) -> Publication:
    values = row.asDict()
    # Spark hands timestamps out in the machine's zone, without naming it.
    return Publication(**values | {"published_at": row["published_at"].astimezone(UTC)})


def _rows_of(spark: SparkSession, name: str, rows: Sequence[Mapping[str, Any] | Row]) -> DataFrame:
    contract = table_contract(name)
    values = [tuple(row[column] for column in contract.column_names) for row in rows]
    return spark.createDataFrame(values, contract.ddl).coalesce(1)
