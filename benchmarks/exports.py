"""Measure the content reader and the exports on the source files of a folder.

    python benchmarks/exports.py [FOLDER] [MEGABYTES]

Prints megabytes of text per second of wall time and per second of processor time, of the JVM and
its Python workers together. Other work on the machine slows the first, hardly the second.
"""

import hashlib
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.export.shards import ShardParams, export_documents, export_files
from stackspark.lake.content_reader import ContentBatch, ReadMetrics, map_contents, plan_reads
from stackspark.runtime.session import SessionParams, spark_session

SUFFIXES = {".py", ".pyi", ".h", ".c", ".cpp", ".js", ".ts", ".css", ".html", ".md", ".txt", ".xml"}
ROWS_PER_ROW_GROUP = 1000
PARAMS = ShardParams(target_file_bytes=32 * 2**20)


def texts(folder: Path, max_bytes: int) -> Iterator[str]:
    """Distinct texts below a folder, up to a number of bytes."""
    seen: set[bytes] = set()
    total = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix not in SUFFIXES or not path.is_file():
            continue
        data = path.read_bytes()
        digest = hashlib.sha1(data).digest()
        if data and digest not in seen and b"\r" not in data:
            seen.add(digest)
            try:
                yield data.decode()
            except UnicodeDecodeError:
                continue
            total += len(data)
            if total >= max_bytes:
                return


def write_contents(found: list[str], path: Path) -> None:
    """Write the texts as a data file of `contents`."""
    data = [text.encode() for text in found]
    table = pa.table(
        {
            "blob_id": [hashlib.sha1(each).hexdigest() for each in data],
            "length_bytes": [len(each) for each in data],
            "status": ["ok"] * len(data),
            "content": found,
        }
    )
    pq.write_table(table, path, compression="zstd", row_group_size=ROWS_PER_ROW_GROUP)


def count_bytes() -> Callable[[Iterator[ContentBatch]], Iterator[pa.RecordBatch]]:
    """Read the texts and do nothing with them."""

    def run(batches: Iterator[ContentBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_pydict({"n": [batch.texts.nbytes]})

    return run


def file_rows(contents: DataFrame) -> DataFrame:
    """One file per text, in repositories of about a hundred."""
    return contents.select(
        "blob_id",
        F.sha1(F.substring("blob_id", 1, 2)).alias("directory_id"),
        F.concat(F.lit("/src/"), "blob_id").alias("path"),
        F.lit("Python").alias("language"),
        "length_bytes",
    )


def document_rows(contents: DataFrame) -> DataFrame:
    """The same files as parts of documents."""
    return file_rows(contents).select(
        F.concat("directory_id", F.lit("-0")).alias("document_id"),
        F.col("path").alias("position"),
        F.lit(True).alias("has_metadata"),
        "blob_id",
        F.col("directory_id").alias("repo_name"),
        F.lit(100).cast("bigint").alias("num_files"),
        F.struct("path", "language", "length_bytes").alias("file"),
    )


def processor_seconds() -> float:
    """Processor time of the children of this process that still run."""
    seconds = 0.0
    for process in psutil.Process().children(recursive=True):
        times = process.cpu_times()
        seconds += times.user + times.system
    return seconds


def measure(name: str, num_bytes: int, run: Callable[[], object]) -> None:
    """Run, and print the speed."""
    wall, busy = time.perf_counter(), processor_seconds()
    run()
    wall, busy = time.perf_counter() - wall, processor_seconds() - busy
    print(f"{name:<10} {num_bytes / 1e6 / wall:7.1f} MB/s  {num_bytes / 1e6 / busy:7.1f} MB/CPU s")


def compare(spark: SparkSession, found: list[str], folder: Path) -> None:
    """Measure each way of reading twice; the first warms up."""
    write_contents(found, folder / "contents.parquet")
    contents = spark.read.parquet(str(folder / "contents.parquet"))
    num_bytes = sum(len(text.encode()) for text in found)
    metrics = ReadMetrics(spark)
    plan = plan_reads(contents.select("blob_id"), contents)
    jobs: dict[str, Callable[[], object]] = {
        "reader": map_contents(plan, count_bytes(), "n bigint", metrics).collect,
        "files": lambda: export_files(file_rows(contents), contents, folder / "f", PARAMS),
        "documents": lambda: export_documents(
            document_rows(contents), contents, folder / "d", PARAMS
        ),
    }
    print(f"{len(found):,} texts, {num_bytes / 1e6:.1f} MB")
    for name, run in jobs.items():
        for _ in range(2):
            measure(name, num_bytes, run)
    print(metrics.totals())


def main() -> None:
    """Take the corpus from the command line."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_path("purelib"))
    megabytes = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    found = list(texts(folder, megabytes * 10**6))
    spark = spark_session(
        SessionParams(
            master="local[2]",
            driver_memory="2g",
            extra={"spark.sql.files.maxPartitionBytes": str(8 * 2**20)},
        )
    )
    with tempfile.TemporaryDirectory() as scratch:
        compare(spark, found, Path(scratch))
    spark.stop()


if __name__ == "__main__":
    main()
