"""A run's numbers for a monitoring system: OpenMetrics text, gauges only.

What collects from files reads ``latest.prom`` of a lake's reports after each run, published or not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from stackspark.report.summary import RunSummary

Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True)
class Gauge:
    """One family of samples; a name ends in its unit, if it has one."""

    name: str
    help: str
    samples: Iterable[Sample]
    unit: str = ""


def render_metrics(summary: RunSummary) -> str:
    """The run as OpenMetrics text; equal summaries give equal text."""
    lines = [line for gauge in _gauges(summary) for line in _lines(gauge)]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _gauges(run: RunSummary) -> Iterator[Gauge]:
    about = {"run_id": run.run_id, "recipe": run.recipe, "code_version": run.code_version}
    seconds = (run.finished_at - run.started_at).total_seconds()
    yield Gauge("run", "The run that the other numbers are of.", [(about, 1)])
    yield Gauge("run_published", "Whether the run was published.", [({}, run.failure is None)])
    finished = run.finished_at.timestamp()
    yield Gauge("run_finished_seconds", "Unix time of its end.", [({}, finished)], "seconds")
    yield Gauge("run_duration_seconds", "From start to end.", [({}, seconds)], "seconds")
    yield from _steps(run)
    yield from _files(run)
    broken = [({"table": row.table}, len(row.failed)) for row in run.contracts]
    yield Gauge("contract_broken_rules", "Rules that a table breaks.", broken)
    yield from _canaries(run)
    inputs = [
        ({"error_class": row.error_class, "grain": row.grain}, row.num_inputs)
        for row in run.quarantine
    ]
    yield Gauge("quarantined_inputs", "Inputs that could not be used.", inputs)


def _steps(run: RunSummary) -> Iterator[Gauge]:
    def of(value: str) -> list[Sample]:
        return [({"step": row.step}, getattr(row, value)) for row in run.timings]

    yield Gauge("step_duration_seconds", "Time of a step.", of("seconds"), "seconds")
    yield Gauge("step_gate_seconds", "Of them, of contracts.", of("gate_seconds"), "seconds")
    yield Gauge("step_rows", "Rows that a step wrote.", of("num_rows"))
    yield Gauge("step_read_bytes", "Packed texts that a step read.", of("read_bytes"), "bytes")
    yield Gauge("step_taken_over", "Whether an earlier run had done it.", of("is_taken_over"))


def _canaries(run: RunSummary) -> Iterator[Gauge]:
    def of(value: str) -> list[Sample]:
        return [({"rule": row.rule}, getattr(row, value)) for row in run.canaries]

    yield Gauge("canaries_planted", "Files of known fate that rode along.", of("num_planted"))
    yield Gauge("canaries_caught", "Of them, those that their rule caught.", of("num_caught"))
    yield Gauge("canary_false_alarms", "Those that should have stayed.", of("num_false_alarms"))


def _files(run: RunSummary) -> Iterator[Gauge]:
    causes = [({"status": row.kind, "cause": row.cause}, row) for row in run.funnel]
    files: list[Sample] = [(labels, row.num_files) for labels, row in causes]
    sizes: list[Sample] = [(labels, row.size_bytes) for labels, row in causes]
    yield Gauge("files", "Files by what became of them.", files)
    yield Gauge("files_size_bytes", "Their size.", sizes, "bytes")
    rows: list[Sample] = [({"dataset": row.dataset}, row.num_rows) for row in run.exports]
    shards: list[Sample] = [({"dataset": row.dataset}, row.size_bytes) for row in run.exports]
    yield Gauge("export_rows", "Rows of an export.", rows)
    yield Gauge("export_size_bytes", "Size of its shards.", shards, "bytes")


def _lines(gauge: Gauge) -> Iterator[str]:
    name = f"stackspark_{gauge.name}"
    samples = [f"{name}{_labels(labels)} {float(value):.17g}" for labels, value in gauge.samples]
    if samples:
        yield f"# TYPE {name} gauge"
        if gauge.unit:
            yield f"# UNIT {name} {gauge.unit}"
        yield f"# HELP {name} {gauge.help}"
        yield from samples


def _labels(labels: Mapping[str, str]) -> str:
    shown = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{shown}}}" if shown else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
