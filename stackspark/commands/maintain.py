"""Upkeep of a lake: older tables migrated, small files joined, what no kept run needs removed.

Only publications decide what is kept: the newest ones, the steps that a run would take over, and
what an interrupted run goes on from. It holds the lake's lock, as a run does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession

from stackspark.errors import UsageError
from stackspark.lake.delta_tables import head_version
from stackspark.lake.lake import GROWING, RECORDS, Lake
from stackspark.lake.locks import LakeLock
from stackspark.lake.upkeep import compact, forget, migrate, remove_unneeded
from stackspark.runtime.fingerprints import code_version
from stackspark.runtime.progress import Progress, task_counter
from stackspark.runtime.session import SessionParams, spark_session
from stackspark.runtime.storage.filesystems import folder_names, joined, remove_folder

STEP = "maintain"
DEFAULT_KEEP = 3
DEFAULT_FILE_BYTES = 256 << 20


@dataclass(frozen=True, kw_only=True)
class MaintainOptions:
    """Options of the command line; `keep` is a number of publications."""

    lake: str
    keep: int = DEFAULT_KEEP
    file_bytes: int = DEFAULT_FILE_BYTES
    master: str | None = None
    quiet: bool = False
    log_json: bool = False

    def __post_init__(self) -> None:
        if self.keep < 1:
            raise UsageError(f"--keep needs 1 publication or more, found {self.keep}")
        if self.file_bytes < 1 << 20:
            raise UsageError("--file-mb needs 1 or more")


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """Changes that were made to a lake."""

    lake: str
    migrated: tuple[str, ...]
    compacted: Mapping[str, int]
    num_publications: int
    num_publications_removed: int
    num_files_removed: int
    num_bytes_removed: int
    exports_removed: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON for a script."""
        return asdict(self)

    def to_text(self) -> str:
        """A few lines for a person."""
        joined_files = ", ".join(f"{name} {count:,}" for name, count in self.compacted.items())
        lines = [
            f"lake {self.lake}",
            f"  migrated    {', '.join(self.migrated) or 'nothing'}",
            f"  compacted   {joined_files or 'nothing'}",
            f"  kept        {self.num_publications:,} publications",
            f"  removed     {self.num_publications_removed:,} publications, "
            f"{self.num_files_removed:,} files, {self.num_bytes_removed / 1e6:,.1f} MB",
        ]
        return "\n".join([*lines, *(f"  removed     {folder}" for folder in self.exports_removed)])


def maintain_lake(options: MaintainOptions) -> Maintenance:
    """Bring a lake's tables into shape and remove what nobody can read any more."""
    started = datetime.now(UTC)
    run_id = f"{STEP}-{started:%Y%m%dT%H%M%SZ}"
    progress = Progress(quiet=options.quiet, as_json=options.log_json, run_id=run_id)
    Lake(options.lake).open()
    with LakeLock(options.lake, run_id) as lock:
        params = SessionParams(lake=options.lake)
        if options.master:
            params = SessionParams(lake=options.lake, master=options.master)
        spark = spark_session(params)
        progress.tasks = task_counter(spark)
        upkeep = _Upkeep(spark, Lake(options.lake), lock, options, run_id)
        with progress.step("migrate"):
            migrated = tuple(upkeep.migrate())
        with progress.step("compact"):
            compacted = dict(upkeep.compact())
        with progress.step("remove"):
            return upkeep.remove(migrated, compacted)


class _Upkeep:
    """The steps of one maintenance, in their order."""

    def __init__(
        self,
        spark: SparkSession,
        lake: Lake,
        lock: LakeLock,
        options: MaintainOptions,
        run_id: str,
    ) -> None:
        self.spark, self.lake, self.lock = spark, lake, lock
        self.options, self.run_id = options, run_id

    def migrate(self) -> Iterator[str]:
        """Give tables of an older stackspark the columns of this one's contracts."""
        for name in (*RECORDS, *GROWING):
            self.lock.renew()
            if migrate(self.spark, self.lake, name):
                self._record(f"migrate {name}", name)
                yield name

    def compact(self) -> Iterator[tuple[str, int]]:
        """Join the small files of tables that grow, in the version that runs go on from."""
        for name in GROWING:
            base = self.lake.base_version(self.spark, name)
            # Behind the parts of a step that was interrupted stands no audited version.
            if base is None or base != self.lake.audited_version(self.spark, name):
                continue
            self.lock.renew()
            self.lake.starts_from_base(self.spark, name)
            count = compact(self.spark, self.lake.table_path(name), self.options.file_bytes)
            if count:
                self._record(f"compact {name}", name)
                yield name, count

    def remove(self, migrated: tuple[str, ...], compacted: Mapping[str, int]) -> Maintenance:
        """Forget old publications, then delete every file that nothing needs any more."""
        self.lock.renew()
        num_forgotten, needed = forget(self.spark, self.lake, self.options.keep)
        removed = []
        for name in (*RECORDS, *sorted(needed)):
            self.lock.renew()
            removed.append(remove_unneeded(self.spark, self.lake, name, needed.get(name, ())))
        publications = self.lake.publications(self.spark)
        self._remove_logs({each.run_id for each in publications})
        return Maintenance(
            lake=self.options.lake,
            migrated=migrated,
            compacted=compacted,
            num_publications=len(publications),
            num_publications_removed=num_forgotten,
            num_files_removed=sum(each.num_files for each in removed),
            num_bytes_removed=sum(each.num_bytes for each in removed),
            exports_removed=tuple(self._remove_exports(needed.get("shards", set()))),
        )

    def _remove_exports(self, versions: set[int]) -> Iterator[str]:
        """Remove the folders of shards that no kept version of `shards` lists."""
        needed = set()
        for version in versions:
            rows = self.lake.read(self.spark, "shards", version).select("path").collect()
            needed |= {row["path"].rpartition("/")[0] for row in rows}
        for dataset in folder_names(joined(self.lake.root, "shards")):
            for export in folder_names(joined(self.lake.root, "shards", dataset)):
                folder = f"shards/{dataset}/{export}"
                if folder not in needed:
                    remove_folder(joined(self.lake.root, folder))
                    yield folder

    def _remove_logs(self, kept: set[str]) -> None:
        """Remove the event logs of runs that came before those that are kept."""
        logs = joined(self.lake.root, "logs")
        for run_id in folder_names(logs):
            if kept and run_id < min(kept):
                remove_folder(joined(logs, run_id))

    def _record(self, step: str, name: str) -> None:
        """Make the version that was committed the one that runs go on from."""
        if name in RECORDS:
            return
        now = datetime.now(UTC)
        row = {
            "run_id": self.run_id,
            "step": step,
            "fingerprint": "0" * 64,
            "status": "audited",
            "table_versions": {name: head_version(self.lake.table_path(name))},
            "params": "{}",
            "code_version": code_version(),
            "started_at": now,
            "finished_at": now,
            "metrics": "{}",
            "contract_results": "{}",
        }
        self.lake.record_step(self.spark, row)()
