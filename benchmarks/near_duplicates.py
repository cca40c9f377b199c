"""Measure the near-duplicate stage, from texts to twins, on the texts of a published lake.

    python benchmarks/near_duplicates.py --lake LAKE [--cores 2] [--scope corpus] [--warm]

Prints CPU seconds and megabytes per CPU second of measuring (tokens to signatures) and of the
search (bands to twins), of the JVM, its Python workers and this process together, and what each
round did. The start of the session is left out; `--warm` runs both once before they are measured.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pyarrow as pa
from meter import cpu_seconds
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.io.lake import Lake
from stackspark.io.scratch import Scratch
from stackspark.io.session import SessionParams, spark_session
from stackspark.kernels.minhash import measure_shingles
from stackspark.near_duplicates import (
    NearDuplicateResult,
    NearDuplicatesParams,
    find_near_duplicates,
)

PARAMS = NearDuplicatesParams()
MEASURED = (
    "blob_id string, scope string, normalized_hash string, num_tokens bigint, "
    "num_shingles bigint, band_hashes array<bigint>, signature binary"
)
SHINGLES = ("num_tokens", "num_shingles", "band_hashes", "signature")


def main() -> None:
    """Measure one lake."""
    given = parse()
    spark = spark_session(SessionParams(master=f"local[{given.cores}]"))
    lake = Lake(given.lake)
    lake.open()
    texts = lake.read(spark, "contents").where("status = 'ok'").select("blob_id", "content")
    if given.scope == "language":
        languages = lake.read(spark, "file_languages").groupBy("blob_id")
        texts = texts.join(languages.agg(F.min("language").alias("scope")), "blob_id", how="inner")
    else:
        texts = texts.withColumn("scope", F.lit(""))
    num_bytes = texts.agg(F.sum(F.octet_length("content"))).collect()[0][0]
    with tempfile.TemporaryDirectory() as folder:
        if given.warm:
            whole_stage(texts, Scratch(folder=f"{folder}/warm"), num_bytes)
        print(f"{num_bytes / 1e6:,.0f} MB of text, scope {given.scope}")
        found = whole_stage(texts, Scratch(folder=f"{folder}/measured"), num_bytes)
        print(f"{found.num_candidates:,} texts, {found.rows.count():,} removed")
    for each in found.rounds:
        print(
            f"round {each.round}: {each.num_pairs:,} pairs, {each.num_verified:,} verified, "
            f"{each.num_removed:,} removed so far"
        )
    print("settled" if found.is_settled else "stopped before it was settled")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure the near-duplicate stage.")
    parser.add_argument("--lake", required=True, help="a lake with a published run")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--scope", choices=("language", "corpus"), default="corpus")
    parser.add_argument("--warm", action="store_true", help="run once before measuring")
    return parser.parse_args()


def whole_stage(texts: DataFrame, scratch: Scratch, num_bytes: int) -> NearDuplicateResult:
    """Measure the texts, search, and print what both took."""
    started = used()
    rows = texts.mapInArrow(measure, MEASURED)
    measured = scratch.write(rows, "measured")
    between = used()
    keep_order = F.struct(F.xxhash64("blob_id"), "blob_id").alias("keep_order")
    candidates = measured.drop("num_tokens", "num_shingles").select("*", keep_order)
    search = replace(scratch, folder=str(Path(scratch.folder, "search")))
    found = find_near_duplicates(candidates, PARAMS, search)
    found.rows.write.format("noop").mode("overwrite").save()
    ended = used()
    for name, seconds in (
        ("measure", between - started),
        ("search", ended - between),
        ("whole", ended - started),
    ):
        print(f"{name:<8} {seconds:7.1f} CPU s {num_bytes / 1e6 / seconds:7.1f} MB/s per core")
    return found


def measure(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Texts to band hashes and signatures; nothing is joined by its normalised text here."""
    for batch in batches:
        found = measure_shingles(batch.column("content"), PARAMS.minhash)
        blob_id = batch.column("blob_id")
        columns = [blob_id, batch.column("scope"), blob_id, *[found[name] for name in SHINGLES]]
        yield pa.RecordBatch.from_arrays(
            columns, names=["blob_id", "scope", "normalized_hash", *SHINGLES]
        )


def used() -> float:
    """CPU seconds of this process and all below it; workers that ended count with their parent."""
    own = psutil.Process()
    return cpu_seconds([own, *own.children(recursive=True)])


if __name__ == "__main__":
    main()
