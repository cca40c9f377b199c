"""What every step of a run shares: fingerprint, write, contract, record, resume.

A step writes new versions of its tables, the contracts are checked on exactly these versions, and
`runs` records the step. A step whose fingerprint is recorded as audited is taken over.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from stackspark import __version__
from stackspark.contracts.gate import ContractResult, TableRule, check_table, failed_message
from stackspark.contracts.tables import table_contract
from stackspark.errors import ContractError
from stackspark.io.lake import Lake
from stackspark.io.locks import LakeLock
from stackspark.io.progress import Progress
from stackspark.io.scratch import Scratch


@dataclass(frozen=True, kw_only=True)
class Write:
    """A new version of one table."""

    rows: DataFrame
    mode: str = "overwrite"
    rules: tuple[TableRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """What a step did; a row of `runs`."""

    step: str
    fingerprint: str
    table_versions: Mapping[str, int]
    metrics: Mapping[str, Any]
    seconds: float
    resumed: bool = False


@dataclass(kw_only=True)
class RunContext:
    """One run on one lake: the session, the lake and what its steps have made so far."""

    spark: SparkSession
    lake: Lake
    lock: LakeLock
    run_id: str
    recipe_name: str
    progress: Progress
    scratch: Scratch
    versions: dict[str, int] = field(default_factory=dict)
    records: list[StepRecord] = field(default_factory=list)
    results: list[ContractResult] = field(default_factory=list)

    def table(self, name: str) -> DataFrame:
        """The version of a table that this run made or took over."""
        return self.lake.read(self.spark, name, version=self.versions[name])

    def fingerprint(self, step: str) -> str:
        """Fingerprint of a step of this run."""
        return next(record.fingerprint for record in self.records if record.step == step)

    def known(self, name: str) -> DataFrame:
        """What the lake already knows of a table that only grows; empty in a new lake."""
        version = self.lake.audited_version(self.spark, name)
        if version is None:
            return self.spark.createDataFrame([], table_contract(name).ddl)
        return self.lake.read(self.spark, name, version=version)


def fingerprint(step: str, inputs: Sequence[str], params: Any) -> str:
    """SHA-256 over the step's name, its inputs' fingerprints, its parameters and the code."""
    parts = [step, list(inputs), plain(params), code_hash()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def plain(value: Any) -> Any:
    """A value as JSON holds it; dataclasses become mappings."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


@cache
def code_hash() -> str:
    """SHA-256 over the package's source files."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def code_version() -> str:
    """Version of the package and the beginning of its code's hash."""
    return f"{__version__}+{code_hash()[:12]}"


def run_step(
    context: RunContext,
    step: str,
    inputs: Sequence[str],
    params: Any,
    produce: Callable[[], Mapping[str, Write]],
    summary: Callable[[StepRecord], str] = lambda record: "",
) -> StepRecord:
    """Run one step, or take it over where its fingerprint has been audited.

    Raises:
        ContractError: a table breaks its contract; the step is recorded as failed.
    """
    key = fingerprint(step, inputs, params)
    with context.progress.stage(step) as line:
        record = _taken_over(context, step, key)
        if record is None:
            record = _produced(context, step, key, params, produce)
        context.versions.update(record.table_versions)
        context.records.append(record)
        line.summary = "taken over" if record.resumed else summary(record) or _row_counts(record)
    return record


def _taken_over(context: RunContext, step: str, key: str) -> StepRecord | None:
    row = context.lake.audited_step(context.spark, step, key)
    if row is None:
        return None
    return StepRecord(
        step=step,
        fingerprint=key,
        table_versions=dict(row["table_versions"]),
        metrics=json.loads(row["metrics"]),
        seconds=0.0,
        resumed=True,
    )


def _produced(
    context: RunContext,
    step: str,
    key: str,
    params: Any,
    produce: Callable[[], Mapping[str, Write]],
) -> StepRecord:
    started = datetime.now(UTC)
    versions, metrics, results = {}, {}, []
    for name, write in produce().items():
        context.lock.renew()
        written = context.lake.write(context.spark, name, write.rows, mode=write.mode)
        rows = context.lake.read(context.spark, name, version=written.version)
        results.append(check_table(rows, table_contract(name), write.rules))
        versions[name] = written.version
        metrics[name] = {"rows": written.num_rows, "bytes": written.num_bytes}
    finished = datetime.now(UTC)
    failed = [failed_message(result) for result in results if not result.ok]
    context.results.extend(results)
    context.lock.renew()
    context.lake.record_step(
        context.spark,
        {
            "run_id": context.run_id,
            "step": step,
            "fingerprint": key,
            "status": "failed" if failed else "audited",
            "table_versions": versions,
            "params": json.dumps(plain({"params": params}), sort_keys=True),
            "code_version": code_version(),
            "started_at": started,
            "finished_at": finished,
            "metrics": json.dumps(metrics, sort_keys=True),
            "contract_results": json.dumps({r.table: json.loads(r.to_json()) for r in results}),
        },
    )
    if failed:
        raise ContractError(f"step {step}: {failed[0]}; nothing was published")
    seconds = (finished - started).total_seconds()
    return StepRecord(
        step=step, fingerprint=key, table_versions=versions, metrics=metrics, seconds=seconds
    )


def _row_counts(record: StepRecord) -> str:
    return ", ".join(f"{name} {item['rows']:,} rows" for name, item in record.metrics.items())
