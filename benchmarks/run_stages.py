"""Run a recipe on parts of a corpus and measure each of its steps.

    python benchmarks/run_stages.py --corpus ~/corpus/archives --fraction 0.03 0.3

Each part is run in a process of its own on a fresh lake; the tables are printed as Markdown, and
for two parts what grows with the data and what does not. A step lasts until its line of progress
appears; tasks belong to the step that they end in. MB are 10^6 bytes, of the distinct texts of
`contents` where nothing else is said.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psutil
import pyarrow.parquet as pq
import yaml
from meter import cpu_seconds, memory_bytes
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from stackspark.commands.run import RunOptions, run_recipe
from stackspark.lake.lake import Lake
from stackspark.runtime.session import SessionParams, spark_session

SUFFIXES = (".whl", ".tgz", ".zip", ".crate", ".tar.gz")
SAMPLE_SECONDS = 1.0
FINISHED = re.compile(r"  (\S+) +[\d.]+ s   |run \S+: recipe ")
"""Lines of progress that end a step; the run's first line ends the start of the session."""

MB = 1e6


@dataclass(kw_only=True)
class Step:
    """What one step took; memory is the peak of proportional set sizes while it ran."""

    name: str
    ended_at: float
    wall_seconds: float
    cpu_seconds: float
    jvm_bytes: int
    worker_bytes: int
    total_bytes: int
    rows: int = 0
    read: dict[str, dict[str, int]] = field(default_factory=dict)
    jobs: int = 0
    tasks: int = 0
    shuffle_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run: what was in it and its steps."""

    facts: Mapping[str, Any]
    steps: Sequence[Step]
    load: str

    @property
    def text_megabytes(self) -> float:
        """Distinct texts of `contents`."""
        return float(self.facts["text_bytes"]) / MB


def main() -> int:
    """Measure each part, print its table, compare the first part with the last."""
    arguments = parse_arguments()
    if arguments.child:
        print(json.dumps(run_child(json.loads(arguments.child))))
        return 0
    runs = []
    for archives in parts(arguments):
        runs.append(measure(archives, arguments))
        print(run_table(runs[-1]), flush=True)
    if len(runs) > 1:
        print(scaling_table(runs[0], runs[-1]))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(run) for run in runs], indent=1))
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--corpus", type=Path, default=Path(), help="folder of archives")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--fraction", type=float, nargs="+", help="of the corpus's packed bytes")
    part.add_argument("--packages", type=int, nargs="+", help="number of archives")
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--work", type=Path, help="folder for lakes; they are deleted all the same")
    parser.add_argument("--json", type=Path, help="file for all figures")
    return parser.parse_args()


# Parts of the corpus -------------------------------------------------------------------------


def parts(arguments: argparse.Namespace) -> Iterator[list[Path]]:
    """Archives of each part that was asked for; without one, all of the corpus."""
    found = [path for path in arguments.corpus.rglob("*") if path.name.endswith(SUFFIXES)]
    if not found:
        sys.exit(f"--corpus needs a folder of archives; {arguments.corpus} holds none")
    for number in arguments.packages or []:
        yield in_order(found)[:number]
    for fraction in arguments.fraction or ([] if arguments.packages else [1.0]):
        yield fitting(found, fraction)


def in_order(archives: Iterable[Path]) -> list[Path]:
    """Archives in an order that depends on their names alone."""
    return sorted(archives, key=lambda path: hashlib.sha256(path.name.encode()).hexdigest())


def fitting(archives: Sequence[Path], fraction: float) -> list[Path]:
    """Archives that fit into a fraction of the packed bytes, one after the other."""
    left = fraction * sum(path.stat().st_size for path in archives)
    chosen = []
    for path in in_order(archives):
        if path.stat().st_size <= left:
            chosen.append(path)
            left -= path.stat().st_size
    return chosen


# The run -------------------------------------------------------------------------------------


def run_child(order: Mapping[str, Any]) -> dict[str, Any]:
    """Run the recipe in this process; returns what the lake says of it."""
    spark = spark_session(
        SessionParams(
            master=order["master"],
            lake=order["lake"],
            event_log_dir=order["events"],
            extra={"spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false"},
        )
    )
    options = RunOptions(
        recipe=order["recipe"],
        lake=order["lake"],
        sources_file=Path(order["sources"]),
        settings=tuple(order["settings"]),
        master=order["master"],
    )
    outcome = run_recipe(options)
    facts = lake_facts(spark, Lake(order["lake"]), outcome.versions)
    spark.stop()
    return facts


def lake_facts(spark: SparkSession, lake: Lake, versions: Mapping[str, int]) -> dict[str, Any]:
    """Sizes of the run's tables, and what its steps noted."""
    runs = spark.read.format("delta").load(lake.table_path("runs"))
    metrics = {row["step"]: json.loads(row["metrics"]) for row in runs.collect()}
    contents = lake.read(spark, "contents", versions["contents"])
    texts = contents.where(F.col("status") == "ok").agg(F.count("*"), F.sum("length_bytes"))
    num_texts, text_bytes = texts.collect()[0]
    chunks = [size for uri in contents.inputFiles() for size in text_chunks(uri)]
    kept = lake.read(spark, "documents", versions["documents"]).agg(F.sum("num_files"))
    return {
        "metrics": metrics,
        "num_files": metrics["fetch"]["files"]["rows"],
        "num_kept_files": kept.collect()[0][0],
        "num_texts": num_texts,
        "text_bytes": text_bytes,
        "num_row_groups": len(chunks),
        "packed_text_bytes": sum(chunks),
    }


def text_chunks(uri: str) -> Iterator[int]:
    """Bytes on disk of the columns that the reader reads, of each row group of a data file."""
    footer = pq.read_metadata(unquote(urlsplit(uri).path))
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        columns = (group.column(index) for index in range(group.num_columns))
        wanted = [c for c in columns if c.path_in_schema in ("blob_id", "content")]
        yield sum(column.total_compressed_size for column in wanted)


def measure(archives: Sequence[Path], arguments: argparse.Namespace) -> Run:
    """Run the recipe on archives in a process of its own and watch it."""
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        sources, events = Path(folder, "sources.yaml"), Path(folder, "events")
        sources.write_text(yaml.safe_dump([f"archive:{path.absolute()}" for path in archives]))
        events.mkdir()
        order = {
            "lake": f"{folder}/lake",
            "sources": str(sources),
            "events": str(events),
            "recipe": arguments.recipe,
            "settings": arguments.set,
            "master": arguments.master,
        }
        before = os.getloadavg()
        steps, answer = watch([sys.executable, __file__, "--child", json.dumps(order)])
        facts = json.loads(answer) | {"num_archives": len(archives)}
        add_notes(steps, facts.pop("metrics"))
        for log in events.iterdir():
            add_events(steps, log.read_text(encoding="utf-8").splitlines())
    load = "; ".join(", ".join(f"{each:.1f}" for each in x) for x in (before, os.getloadavg()))
    return Run(facts=facts, steps=steps, load=load)


def watch(command: Sequence[str]) -> tuple[list[Step], str]:
    """Run a command that prints lines of progress; returns its steps and its standard output."""
    # A console of usual width would break the lines.
    wide = {**os.environ, "COLUMNS": "400"}
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=wide
    )
    if child.stdout is None or child.stderr is None:
        raise RuntimeError("a child's output is a pipe")
    watcher = Watcher(psutil.Process(child.pid))
    steps = []
    with child:
        for line in child.stderr:
            print(line, end="", file=sys.stderr)
            found = FINISHED.match(line)
            if found:
                steps.append(watcher.step(found[1] or "start"))
                print(f"    {steps[-1].cpu_seconds} CPU s", file=sys.stderr, flush=True)
        answer = child.stdout.read()
    watcher.stop()
    if child.returncode:
        sys.exit(child.returncode)
    return steps, answer


class Watcher:
    """Samples the tree below a process, and sums up what it took since the last step."""

    def __init__(self, root: psutil.Process) -> None:
        self._root = root
        self._marked = time.time()
        self._cpu_seconds = 0.0
        self._peaks = (0, 0, 0)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def step(self, name: str) -> Step:
        """End a step now."""
        used = cpu_seconds(self._tree())
        self._sample()
        now = time.time()
        with self._lock:
            jvm_bytes, worker_bytes, total_bytes = self._peaks
            self._peaks = (0, 0, 0)
        step = Step(
            name=name,
            ended_at=now,
            wall_seconds=round(now - self._marked, 2),
            cpu_seconds=round(used - self._cpu_seconds, 2),
            jvm_bytes=jvm_bytes,
            worker_bytes=worker_bytes,
            total_bytes=total_bytes,
        )
        self._marked, self._cpu_seconds = now, used
        return step

    def stop(self) -> None:
        """Stop sampling."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        tree = self._tree()
        jvm = [process for process in tree if name_of(process) == "java"]
        workers = [process for each in jvm for process in children(each)]
        driver = [process for process in tree if process not in jvm and process not in workers]
        sizes = [memory_bytes(group) for group in (jvm, workers, driver)]
        with self._lock:
            now = (sizes[0], sizes[1], sum(sizes))
            self._peaks = (
                max(self._peaks[0], now[0]),
                max(self._peaks[1], now[1]),
                max(self._peaks[2], now[2]),
            )

    def _tree(self) -> list[psutil.Process]:
        return [self._root, *children(self._root)]


def children(process: psutil.Process) -> list[psutil.Process]:
    """All processes below one; none if it has ended."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def name_of(process: psutil.Process) -> str:
    """Name of a process; empty if it has ended."""
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return ""


# What Spark and the lake say -----------------------------------------------------------------


def add_notes(steps: Iterable[Step], metrics: Mapping[str, Any]) -> None:
    """Add the rows that each step wrote, and what its reader of texts counted."""
    for step in steps:
        noted = metrics.get(step.name, {"notes": {}})
        step.rows = sum(item["rows"] for name, item in noted.items() if name != "notes")
        read = noted["notes"].get("read", {})
        reads = {step.name: read} if "num_texts" in read else read
        # The export repeats what the reader of the scan counted.
        step.read = {
            name: counts for name, counts in reads.items() if name != "scan" or step.name == "scan"
        }


def add_events(steps: Sequence[Step], lines: Iterable[str]) -> None:
    """Add jobs, tasks and shuffled bytes from the lines of Spark's event log."""
    ends = [step.ended_at * 1000 for step in steps]

    def at(milliseconds: float) -> Step | None:
        index = bisect_left(ends, milliseconds)
        return steps[index] if index < len(steps) else None

    for line in lines:
        event = json.loads(line)
        if event["Event"] == "SparkListenerJobStart":
            step = at(event["Submission Time"])
            if step:
                step.jobs += 1
        if event["Event"] == "SparkListenerTaskEnd":
            step = at(event["Task Info"]["Finish Time"])
            if step:
                step.tasks += 1
                step.shuffle_bytes += shuffled(event.get("Task Metrics"))


def shuffled(metrics: Mapping[str, Any] | None) -> int:
    """Bytes that a task wrote for a shuffle; a task that was killed may have no metrics."""
    return int(metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]) if metrics else 0


# Tables --------------------------------------------------------------------------------------


def run_table(run: Run) -> str:
    """The steps of a run as Markdown."""
    facts = run.facts
    lines = [
        f"{facts['num_archives']} archives, {facts['num_files']:,} files, {facts['num_texts']:,} "
        f"distinct texts of {run.text_megabytes:,.1f} MB, {facts['num_kept_files']:,} files kept; "
        f"load before; after: {run.load}",
        "",
        "| step | wall s | CPU s | MB/s per core | rows | jobs | tasks | shuffled MB "
        "| JVM MB | workers MB | total MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *(row(step, run.text_megabytes) for step in [*run.steps, total(run.steps)]),
        "",
        *(reading(name, read, facts) for step in run.steps for name, read in step.read.items()),
    ]
    return "\n".join(lines) + "\n"


def total(steps: Sequence[Step]) -> Step:
    """All steps as one."""
    return Step(
        name="all",
        ended_at=steps[-1].ended_at,
        wall_seconds=sum(step.wall_seconds for step in steps),
        cpu_seconds=sum(step.cpu_seconds for step in steps),
        jvm_bytes=max(step.jvm_bytes for step in steps),
        worker_bytes=max(step.worker_bytes for step in steps),
        total_bytes=max(step.total_bytes for step in steps),
        rows=sum(step.rows for step in steps),
        jobs=sum(step.jobs for step in steps),
        tasks=sum(step.tasks for step in steps),
        shuffle_bytes=sum(step.shuffle_bytes for step in steps),
    )


def row(step: Step, megabytes: float) -> str:
    """One step as a row of Markdown."""
    memory = (step.jvm_bytes, step.worker_bytes, step.total_bytes)
    cells = [
        step.name,
        f"{step.wall_seconds:.1f}",
        f"{step.cpu_seconds:.1f}",
        f"{megabytes / step.cpu_seconds:.2f}" if step.cpu_seconds else "",
        *(f"{count:,}" for count in (step.rows, step.jobs, step.tasks)),
        f"{step.shuffle_bytes / MB:.1f}",
        *(f"{size / MB:,.0f}" for size in memory),
    ]
    return f"| {' | '.join(cells)} |"


def reading(name: str, read: Mapping[str, int], facts: Mapping[str, Any]) -> str:
    """What one reader of texts counted, beside what there is."""
    return (
        f"Read for {name}: {read['num_texts']:,} texts of {facts['num_texts']:,}, "
        f"{read['num_row_groups']:,} row groups of {facts['num_row_groups']:,}, "
        f"{read['compressed_bytes'] / MB:.1f} packed MB of {facts['packed_text_bytes'] / MB:.1f}."
    )


def scaling_table(small: Run, large: Run) -> str:
    """CPU time of two runs as a fixed part and a part per megabyte, as Markdown."""
    grown = large.text_megabytes / small.text_megabytes
    added = large.text_megabytes - small.text_megabytes
    lines = [
        f"{small.text_megabytes:,.1f} to {large.text_megabytes:,.1f} MB of text is x{grown:.1f}. "
        "Where the time grew less, the fixed part is what a run of no data would take.",
        "",
        "| step | wall | CPU | fixed CPU s | CPU s per 100 MB | JVM memory |",
        "|---|---|---|---|---|---|",
    ]
    first, last = [*small.steps, total(small.steps)], [*large.steps, total(large.steps)]
    for before, after in zip(first, last, strict=True):
        slope = (after.cpu_seconds - before.cpu_seconds) / added
        fixed = before.cpu_seconds - slope * small.text_megabytes
        lines.append(
            f"| {before.name} | x{after.wall_seconds / before.wall_seconds:.1f} "
            f"| x{after.cpu_seconds / before.cpu_seconds:.1f} | {fixed:.1f} | {100 * slope:.1f} "
            f"| x{after.jvm_bytes / before.jvm_bytes:.1f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
