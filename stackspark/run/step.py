"""Steps of a run: fingerprint, write, contract, record, resume.

A step writes new versions of its tables, the contracts are checked on exactly these versions, and
`runs` records the step. A step whose fingerprint is recorded as audited is taken over.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from stackspark.contracts.gate import (
    ContractResult,
    TableRule,
    check_rules,
    check_table,
    failed_message,
)
from stackspark.contracts.tables import table_contract
from stackspark.errors import ContractError
from stackspark.lake.delta_tables import WriteResult
from stackspark.lake.lake import Lake
from stackspark.lake.locks import LakeLock
from stackspark.lake.scratch import Scratch
from stackspark.runtime.background import Background
from stackspark.runtime.fingerprints import code_fingerprint, code_version, fingerprint, plain
from stackspark.runtime.progress import Progress

Notes = dict[str, Any]
"""Facts that a step hands to the report."""

TASKS_PER_CORE = 4
"""So that one long task does not hold up a step's end; what is listed and fetched is the same."""

OPEN = "open"
"""The note of what a step could not do, but could another time: it is not taken over."""


@dataclass(frozen=True, kw_only=True)
class Write:
    """A new version of one table; `checks` gives rules that need more than the table.

    Its contract is checked while the step goes on.

    `noted` tells what the writing took, once it is done, for the notes of the step.

    A part is recorded for itself, so that a run which is killed goes on behind it; its contract is
    checked with the last write of the table, which is no part.
    """

    table: str
    rows: DataFrame
    mode: str = "overwrite"
    checks: Callable[[WriteResult], Sequence[TableRule]] = lambda _: ()
    noted: Callable[[], Notes] = dict
    is_part: bool = False


@dataclass(frozen=True, kw_only=True)
class Check:
    """Rules on a table that an earlier step wrote, judged in a step of their own.

    So a rule's parameters can change without the table being made again.
    """

    table: str
    rules: Sequence[TableRule]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a run.

    Attributes:
        name: of the step.
        module: dotted name of the module that makes it; its import closure is the step's code.
        after: the step whose result it reads, or what gives the fingerprints of what it reads.
        params: all that its result depends on besides what it reads and the code, by name.
        produce: yields the tables to write, each after the one before it was written, and further
            rules to check; puts what the report needs into the mapping that it is given.
        is_there: whether what an earlier run wrote besides tables is still there.
    """

    name: str
    module: str
    after: str | Callable[[], Sequence[str]]
    params: Mapping[str, Any]
    produce: Callable[[Notes], Iterator[Write | Check]]
    is_there: "Callable[[StepRecord], bool]" = lambda _: True


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """Record of a step; a row of `runs`.

    `metrics` maps each table that was written to its rows and bytes, and `notes` to what the step
    noted besides.
    """

    step: str
    fingerprint: str
    table_versions: Mapping[str, int]
    metrics: Mapping[str, Any]
    contract_results: Mapping[str, Any]
    seconds: float
    resumed: bool = False

    @property
    def left_open(self) -> Mapping[str, Any] | None:
        """Work that the step could not do, but could another time; None if it did all."""
        left: Mapping[str, Any] | None = self.metrics.get("notes", {}).get(OPEN)
        return left


@dataclass(kw_only=True)
class RunContext:
    """One run on one lake: the session, the lake and what its steps have made so far."""

    spark: SparkSession
    lake: Lake
    lock: LakeLock
    run_id: str
    progress: Progress
    scratch: Scratch
    background: Background = field(default_factory=Background)
    versions: dict[str, int] = field(default_factory=dict)
    records: list[StepRecord] = field(default_factory=list)
    failed: StepRecord | None = None
    is_writable: bool = True
    _opened: dict[tuple[str, int], DataFrame] = field(default_factory=dict)
    _stored: dict[str, DataFrame] = field(default_factory=dict)
    _storing: "threading.RLock" = field(default_factory=threading.RLock)

    def add(self, record: StepRecord) -> None:
        """Go on from a step that was done, taken over or planned."""
        self.versions.update(record.table_versions)
        self.records.append(record)

    def table(self, name: str) -> DataFrame:
        """The version of a table that this run made or took over."""
        return self.version(name, self.versions[name])

    def tables(self) -> dict[str, DataFrame]:
        """Every table that this run made or took over so far."""
        return {name: self.table(name) for name in self.versions}

    def record(self, step: str) -> StepRecord:
        """Record of a step of this run."""
        return next(record for record in self.records if record.step == step)

    def fingerprint(self, step: str) -> str:
        """Fingerprint of what a step of this run made: its key, and what it left open."""
        record = self.record(step)
        key, left = record.fingerprint, record.left_open
        return fingerprint(step, [key], left, __name__) if left else key

    def notes(self, step: str) -> Mapping[str, Any]:
        """Notes of a step of this run."""
        notes: Mapping[str, Any] = self.record(step).metrics["notes"]
        return notes

    def num_rows(self, name: str) -> int:
        """Rows of a table that this run made or took over."""
        results = (record.contract_results for record in reversed(self.records))
        num_rows: int = next(found[name]["num_rows"] for found in results if name in found)
        return num_rows

    def once(self, name: str, make: Callable[[], DataFrame]) -> DataFrame:
        """A table that several steps read: stored in scratch when it is first asked for."""
        with self._storing:
            if name not in self._stored:
                self._stored[name] = self.scratch.write(make(), name)
            return self._stored[name]

    @property
    def num_tasks(self) -> int:
        """Tasks of steps whose rows are narrow and whose work is not: Spark would make one."""
        return TASKS_PER_CORE * self.spark.sparkContext.defaultParallelism

    def grow(self, table: str, rows: DataFrame, key: Sequence[str]) -> Write:
        """Add rows to a table that only grows; rows that replace others make it rewrite itself."""
        known = self.known(table)
        if known is None or not known.join(rows, list(key), how="left_semi").limit(1).count():
            return Write(table=table, rows=rows, mode="append")
        kept = known.join(rows.select(*key), list(key), how="left_anti")
        return Write(table=table, rows=kept.select(*known.columns).unionByName(rows))

    def known(self, name: str) -> DataFrame | None:
        """Rows that a table which only grows has already; None in a new lake."""
        version = self.lake.base_version(self.spark, name)
        return None if version is None else self.version(name, version)

    def known_or_empty(self, name: str) -> DataFrame:
        """Rows that a table which only grows has already; none in a new lake."""
        known = self.known(name)
        ddl = table_contract(name).ddl
        return self.spark.createDataFrame([], ddl) if known is None else known

    def version(self, name: str, version: int) -> DataFrame:
        """A version of a table; it does not change, so it is looked up in the log once."""
        if (name, version) not in self._opened:
            self._opened[name, version] = self.lake.read(self.spark, name, version=version)
        return self._opened[name, version]


def step_key(context: RunContext, step: Step) -> str:
    """Fingerprint of a step whose predecessors this run has done, or planned."""
    after = step.after
    inputs = [context.fingerprint(after)] if isinstance(after, str) else after()
    return fingerprint(step.name, inputs, step.params, step.module)


def recorded_params(step: Step) -> dict[str, Any]:
    """Parameters of a step and its code, as `runs` records them."""
    return {**plain(step.params), "code": code_fingerprint(step.module)[:12]}


def run_step(context: RunContext, step: Step) -> StepRecord:
    """Run one step, or take it over where its fingerprint has been audited.

    Args:
        context: the run; knows the versions of the step's tables afterwards.
        step: what to run.

    Raises:
        ContractError: a table breaks its contract; the step is recorded as failed.
    """
    with context.progress.step(step.name) as line:
        key = step_key(context, step)
        record = taken_over(context, step, key) or _RunningStep(context, step, key).run()
        context.add(record)
        line.summary = "taken over" if record.resumed else _row_counts(record)
    return record


def taken_over(context: RunContext, step: Step, key: str) -> StepRecord | None:
    """The audited record of a step with this fingerprint; None if there is none that will do.

    It will not if it left work open, or if what it made is not there.
    """
    record = recorded(context, step.name, key)
    if record is None or record.left_open or not step.is_there(record):
        return None
    return record


def recorded(context: RunContext, step: str, key: str) -> StepRecord | None:
    """The audited record of a step with this fingerprint; None if there is none."""
    row = context.lake.audited_step(context.spark, step, key)
    if row is None:
        return None
    return StepRecord(
        step=step,
        fingerprint=key,
        table_versions=dict(row["table_versions"]),
        metrics=json.loads(row["metrics"]),
        contract_results=json.loads(row["contract_results"]),
        seconds=0.0,
        resumed=True,
    )


class _RunningStep:
    """One step while it runs."""

    def __init__(self, context: RunContext, step: Step, key: str) -> None:
        self.context, self.step, self.key = context, step.name, key
        self.produce = step.produce
        self.params = recorded_params(step)
        self.started = datetime.now(UTC)
        self.versions: dict[str, int] = {}
        self.metrics: dict[str, Any] = {"notes": {}}
        self.results: dict[str, ContractResult] = {}
        self.judged: list[Future[tuple[ContractResult, float]]] = []
        self.num_parts = 0

    def run(self) -> StepRecord:
        for made in self.produce(self.metrics["notes"]):
            if isinstance(made, Write):
                self._write(made)
            else:
                self._check(made)
            self._hold(only_done=True)
        self._hold()
        return self._record("audited", self.step)

    def _write(self, write: Write) -> None:
        context, name = self.context, write.table
        context.lock.renew()
        written = context.lake.write(context.spark, name, write.rows, mode=write.mode)
        context.versions[name] = self.versions[name] = written.version
        self._count(name, written)
        self.metrics["notes"] |= write.noted()
        if write.is_part:
            self.num_parts += 1
            self._record("partial", f"{self.step}, part {self.num_parts}")
            return
        rows, contract = context.table(name), table_contract(name)
        self._judge(lambda: check_table(rows, contract, write.checks(written), constrained=True))

    def _check(self, check: Check) -> None:
        num_rows = self.context.num_rows(check.table)
        contract = table_contract(check.table)
        self._judge(lambda: check_rules(contract, num_rows, check.rules))

    def _judge(self, judge: Callable[[], ContractResult]) -> None:
        """Judge a contract while the step goes on: nothing is audited before all are kept."""

        def timed() -> tuple[ContractResult, float]:
            started = time.monotonic()
            return judge(), time.monotonic() - started

        self.judged.append(self.context.background.submit(timed))

    def _hold(self, *, only_done: bool = False) -> None:
        """Go on with contracts that are kept; stop the run at one that is broken."""
        notes = self.metrics["notes"]
        while self.judged and (self.judged[0].done() or not only_done):
            result, seconds = self.judged.pop(0).result()
            notes["gate_seconds"] = notes.get("gate_seconds", 0.0) + seconds
            self.results[result.table] = result
            if not result.ok:
                self.context.failed = self._record("failed", self.step)
                problem = failed_message(result).splitlines()[0]
                lines = [line for rule in result.rules for line in rule.lines]
                raise ContractError(f"step {self.step}: {problem}; nothing was published", lines)

    def _count(self, name: str, written: WriteResult) -> None:
        """Add to what the step wrote to a table, in one write or in parts."""
        before = self.metrics.get(name, {"rows": 0, "bytes": 0})
        self.metrics[name] = {
            "rows": before["rows"] + written.num_rows,
            "bytes": before["bytes"] + written.num_bytes,
        }

    def _record(self, status: str, step: str) -> StepRecord:
        # A clock that is set back meanwhile must not stop a run.
        finished = max(datetime.now(UTC), self.started)
        record = StepRecord(
            step=step,
            fingerprint=self.key,
            table_versions=self.versions,
            metrics=self.metrics,
            contract_results={k: json.loads(v.to_json()) for k, v in self.results.items()},
            seconds=(finished - self.started).total_seconds(),
        )
        row = {
            "run_id": self.context.run_id,
            "step": step,
            "fingerprint": self.key,
            "status": status,
            "table_versions": self.versions,
            "params": json.dumps(self.params, sort_keys=True),
            "code_version": code_version(),
            "started_at": self.started,
            "finished_at": finished,
            "metrics": json.dumps(record.metrics, sort_keys=True),
            "contract_results": json.dumps(record.contract_results, sort_keys=True),
        }
        context = self.context
        context.lock.renew()
        commit = context.lake.record_step(context.spark, row)
        context.background.submit_in_order(commit)
        return record


def _row_counts(record: StepRecord) -> str:
    tables = {name: item for name, item in record.metrics.items() if name != "notes"}
    return ", ".join(f"{name} {item['rows']:,} rows" for name, item in tables.items())
