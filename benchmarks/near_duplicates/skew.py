"""The search on families of a million files, beside as many files in families of ten.

Signatures and band hashes are made up, and handed to the search as a table, because that is where
a family could hurt: the scan of the texts does not know of any. Two kinds of families:

- `copies`: one file with small edits. Each member shares 7 in 10 of its bands with the family and
  15 of 16 parts of its signature, so that all but the best one go.
- `band`: files that share one band and nothing else, so that all stay.
"""

import tempfile
from dataclasses import dataclass, replace
from time import perf_counter

import psutil
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from run_stages import Watcher

from stackspark.duplicates.near.search import find_near_duplicates
from stackspark.duplicates.near.texts import DEFAULTS
from stackspark.lake.scratch import Scratch
from stackspark.runtime.session import SessionParams, spark_session

ESTIMATE = replace(DEFAULTS, verification="estimate", max_in_driver=0)
"""There are no texts to compare, and the tasks search: in the driver no family could hurt."""

KINDS = ("copies", "band")
EVEN_FAMILY = 10
MAX_RATIO, MAX_MEMORY_BYTES = 1.2, 2_000_000_000
WARM_UP_ROWS = 20_000
SIGNATURE_PARTS = 16
"""A signature of 256 bytes is made of 16 hashes of 16 bytes."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What one search took."""

    kind: str
    family: int
    removed: int
    cpu_seconds: float
    wall_seconds: float
    jvm_bytes: int
    worker_bytes: int


def skew(num_rows: int, memory: str) -> str:
    """Search both kinds with and without skew; a Markdown table."""
    spark = spark_session(SessionParams(master="local[2]", driver_memory=memory))
    watcher = Watcher(psutil.Process())
    lines = ["| kind | family | removed | CPU s | ratio | wall s | JVM MB | workers MB |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for kind in KINDS:
        search(spark, watcher, kind, WARM_UP_ROWS, EVEN_FAMILY)
        even = search(spark, watcher, kind, num_rows, EVEN_FAMILY)
        skewed = search(spark, watcher, kind, num_rows, num_rows)
        lines += [line_of(even, 1.0), line_of(skewed, skewed.cpu_seconds / even.cpu_seconds)]
    watcher.stop()
    spark.stop()
    goal = f"at most x{MAX_RATIO} and {MAX_MEMORY_BYTES / 1e6:,.0f} MB"
    return "\n".join([*lines, "", f"{num_rows:,} rows; driver heap {memory}; goal: {goal}."])


def search(spark: SparkSession, watcher: Watcher, kind: str, num_rows: int, family: int) -> Case:
    """Search a table of families of one size; its making is not measured."""
    with tempfile.TemporaryDirectory() as folder:
        made = Scratch(folder=folder).write(candidates(spark, kind, num_rows, family), "made")
        watcher.step("made")
        started = perf_counter()
        found = find_near_duplicates(made, ESTIMATE, Scratch(folder=f"{folder}/scratch"))
        removed = found.rows.count()
        wall_seconds = perf_counter() - started
        step = watcher.step("search")
    return Case(
        kind=kind,
        family=family,
        removed=removed,
        cpu_seconds=step.cpu_seconds,
        wall_seconds=wall_seconds,
        jvm_bytes=step.jvm_bytes,
        worker_bytes=step.worker_bytes,
    )


def candidates(spark: SparkSession, kind: str, num_rows: int, family: int) -> DataFrame:
    """Rows as the search takes them, in families of `family` rows."""
    own, shared = F.col("id"), F.floor(F.col("id") / family)
    bands = range(DEFAULTS.minhash.num_bands)
    parts = range(SIGNATURE_PARTS)
    if kind == "copies":
        band_hashes = [F.when(drawn(band) < 7, shared).otherwise(-1 - own) for band in bands]
        signature = [F.when(drawn(100) == part, -1 - own).otherwise(shared) for part in parts]
    else:
        band_hashes = [shared if band == 0 else -1 - own for band in bands]
        signature = [-1 - own for part in parts]
    hashes = [F.substring(hashed(band, value), 1, 8) for band, value in enumerate(band_hashes)]
    pieces = [hashed(part, value) for part, value in enumerate(signature)]
    blob_id = F.sha1(F.col("id").cast("string"))
    return spark.range(num_rows).select(
        blob_id.alias("blob_id"),
        F.lit("").alias("scope"),
        F.md5(F.col("id").cast("string")).alias("normalized_hash"),
        F.concat(*hashes).alias("band_hashes"),
        F.concat(*pieces).alias("signature"),
        F.struct(F.col("id"), blob_id.alias("blob_id")).alias("keep_order"),
    )


def drawn(salt: int) -> Column:
    """A number for each row: 0 to 9 for the salt of a band, else 0 to 15."""
    limit = SIGNATURE_PARTS if salt >= DEFAULTS.minhash.num_bands else 10
    return F.pmod(F.xxhash64(F.lit(salt), F.col("id"), F.lit("draw")), F.lit(limit))


def hashed(part: int, value: Column) -> Column:
    """16 bytes that depend on a part and a value."""
    return F.unhex(F.md5(F.concat_ws("/", F.lit(part), value.cast("string"))))


def line_of(case: Case, ratio: float) -> str:
    """One row of the table."""
    return (
        f"| {case.kind} | {case.family:,} | {case.removed:,} | {case.cpu_seconds:.1f} "
        f"| x{ratio:.2f} | {case.wall_seconds:.1f} | {case.jvm_bytes / 1e6:,.0f} "
        f"| {case.worker_bytes / 1e6:,.0f} |"
    )
