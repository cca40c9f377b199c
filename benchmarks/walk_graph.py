"""Walk a made-up graph of directories: time, shuffled bytes and memory.

    python benchmarks/walk_graph.py --entries 50000000 --forks 100000 --levels 70

Three kinds of roots: repositories of 40 directories and about 310 entries each, which fill up the
number of entries; forks whose roots differ and that share one tree of 40 directories; and one chain
of directories that is deeper than what is listed. The walk ends with every file of every root at
its path, as a table; what each table on the way took is printed. Describing paths in Python, which
every other source does too, is left out.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from meter import SAMPLE_SECONDS, Meter
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from run_stages import shuffled

from stackspark.lake.scratch import Scratch
from stackspark.runtime.session import SessionParams, spark_session
from stackspark.sources.swh_graph.tables import GraphTables, graph_folder, read_graph
from stackspark.sources.swh_graph.walk import WalkDirectoriesParams, walk_directories

DIRECTORIES, FILES, FANOUT = 40, 7, 3
ENTRIES = DIRECTORIES * FILES + DIRECTORIES - 1
DEEP = 6
TABLES = ("origin_visit_status", "snapshot_branch", "revision", "release", "skipped_content")


def oid(name: str, *parts: Column | str) -> Column:
    """An id of a name and some columns."""
    return F.sha1(F.concat_ws("/", F.lit(name), *parts))


def tree(repositories: DataFrame, name: str) -> DataFrame:
    """Entries of trees, each in the order of a heap: directory n holds 3n + 1 to 3n + 3."""
    number = F.explode(F.sequence(F.lit(0), F.lit(DIRECTORIES - 1)))
    at = repositories.select("id", number.alias("n"))
    places = F.sequence(F.lit(0), F.lit(FILES + FANOUT - 1))
    child = F.col("n") * FANOUT + F.col("place") - FILES + 1
    is_file = F.col("place") < FILES
    spread = at.select("*", F.explode(places).alias("place")).where(is_file | (child < DIRECTORIES))
    text = F.pmod(F.xxhash64("id", "n", "place"), F.lit(1 << 22)).cast("string")
    return spread.select(
        oid(name, "id", "n").alias("directory_id"),
        F.encode(F.concat(F.lit("name"), F.col("place").cast("string")), "utf-8").alias("name"),
        F.when(is_file, "file").otherwise("dir").alias("type"),
        F.when(is_file, oid("content", text)).otherwise(oid(name, "id", child)).alias("target"),
        F.when(is_file, 33188).otherwise(16384).alias("perms"),
    )


def linked(
    parents: DataFrame, directory: Column, target: Column, kind: str = "dir", name: str = "lib"
) -> DataFrame:
    return parents.select(
        directory.alias("directory_id"),
        F.encode(F.lit(name), "utf-8").alias("name"),
        F.lit(kind).alias("type"),
        target.alias("target"),
        F.lit(33188 if kind == "file" else 16384).alias("perms"),
    )


def make(spark: SparkSession, folder: str, entries: int, forks: int, levels: int) -> DataFrame:
    """Write the graph; return its roots."""
    repositories = spark.range(max(1, entries // ENTRIES))
    copies, chain, one = spark.range(forks), spark.range(levels), spark.range(1)
    fork, link = oid("fork", "id"), oid("chain", "id")
    text = oid("content", F.pmod("id", F.lit(1 << 22)).cast("string"))
    rows = (
        tree(repositories, "tree")
        .unionByName(tree(one, "shared"))
        .unionByName(linked(copies, fork, oid("shared", F.lit(0), F.lit(0))))
        .unionByName(linked(copies, fork, text, "file", "README"))
        .unionByName(linked(chain, link, oid("chain", F.col("id") + 1)))
        .unionByName(linked(spark.range(levels + 1), link, text, "file", "at"))
    )
    tables = Path(folder) / "graph" / "orc"
    rows.write.orc(str(tables / "directory_entry"))
    number = F.col("id").cast("string")
    contents = spark.range(1 << 22).select(
        oid("sha1", number).alias("sha1"),
        oid("content", number).alias("sha1_git"),
        F.col("id").alias("length"),
        F.lit("visible").alias("status"),
    )
    contents.write.orc(str(tables / "content"))
    for table in TABLES:
        (tables / table).mkdir()
    roots = [oid("tree", "id", F.lit(0)), fork, link]
    of = [repositories, copies, spark.range(1)]
    first, *others = [
        table.select(root.alias("directory_id")) for table, root in zip(of, roots, strict=True)
    ]
    for other in others:
        first = first.unionByName(other)
    return first


@dataclass(frozen=True, kw_only=True)
class TimedScratch(Scratch):
    """Scratch that counts what each of its tables took; the levels from `DEEP` on are one."""

    meter: Meter
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)

    def write(self, rows: DataFrame, name: str) -> DataFrame:
        before, started = self.meter.reading().cpu_seconds, perf_counter()
        written = super().write(rows, name)
        # The meter looks four times a second; a table takes longer than that.
        time.sleep(SAMPLE_SECONDS)
        size = sum(path.stat().st_size for path in Path(self.path(name)).glob("*"))
        kind, _, level = name.rpartition("_")
        if level.isdigit():
            name = f"{kind}, levels {'below' if int(level) < DEEP else 'from'} {DEEP}"
        self.taken[name, "MB"] += size / 1e6
        self.taken[name, "CPU s"] += self.meter.reading().cpu_seconds - before
        self.taken[name, "s"] += perf_counter() - started - SAMPLE_SECONDS
        return written


def walk(tables: GraphTables, roots: DataFrame, scratch: TimedScratch) -> dict[str, int]:
    params = WalkDirectoriesParams()
    found = walk_directories(roots, tables.entries, tables.contents, scratch, params)
    rows = scratch.write(found.rows, "rows")
    counts = {row["row"]: row["count"] for row in rows.groupBy("row").count().collect()}
    return counts | {"roots": found.roots.count(), "faults": found.faults.count()}


def shuffled_bytes(log: Path, since: float) -> Iterator[int]:
    """What each task wrote for a shuffle that started after a time."""
    (path,) = (path for path in log.rglob("*") if path.is_file())
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith('{"Event":"SparkListenerTaskEnd"'):
                task = json.loads(line)
                if task["Task Info"]["Launch Time"] >= 1000 * since:
                    yield shuffled(task.get("Task Metrics"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--forks", type=int, default=10_000)
    parser.add_argument("--levels", type=int, default=70)
    parser.add_argument("--memory", default="3g", help="heap of Spark")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        log.mkdir()
        spark = spark_session(
            SessionParams(
                master="local[2]",
                driver_memory=given.memory,
                local_dir=f"{folder}/spark",
                event_log_dir=str(log),
                extra={
                    "spark.eventLog.compress": "false",
                    "spark.eventLog.rolling.enabled": "false",
                },
            )
        )
        roots = make(spark, folder, given.entries, given.forks, given.levels)
        tables = read_graph(spark, graph_folder(folder))
        num_entries = tables.entries.count()
        started, since = perf_counter(), time.time()
        with Meter() as meter:
            scratch = TimedScratch(folder=f"{folder}/scratch", meter=meter)
            counts = walk(tables, roots, scratch)
            reading = meter.reading()
        seconds = perf_counter() - started
        spark.stop()
        print(
            f"{num_entries:,} entries, {given.forks:,} forks, a chain of {given.levels}: "
            f"{seconds:,.0f} s, {reading.cpu_seconds:,.0f} CPU s, "
            f"{sum(shuffled_bytes(log, since)) / 1e6:,.0f} MB shuffled, "
            f"{reading.peak_memory_bytes / 1e6:,.0f} MB of memory at most; "
            + ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
        )
        for name in dict.fromkeys(name for name, _ in scratch.taken):
            cells = [f"{scratch.taken[name, unit]:,.0f}" for unit in ("s", "CPU s", "MB")]
            print("| " + " | ".join([name, *cells]) + " |")


if __name__ == "__main__":
    main()
