"""Measure the near-duplicate stage, from texts to twins, on the texts of a published lake.

    python benchmarks/near_duplicates.py --lake LAKE [--cores 2] [--scope corpus] [--warm]

Prints CPU seconds and megabytes per CPU second of the JVM, its Python workers and this process
together, and what each round did. The start of the session is left out; `--warm` runs everything
once before it is measured.
"""

import argparse
import tempfile

import psutil
from meter import cpu_seconds
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.io.lake import Lake
from stackspark.io.session import SessionParams, spark_session
from stackspark.near_duplicate_texts import RemovedTexts, TextColumns, deduplicate


def main() -> None:
    """Measure one lake."""
    given = parse()
    spark = spark_session(SessionParams(master=f"local[{given.cores}]"))
    texts = texts_of(spark, given.lake, given.scope)
    num_bytes = texts.agg(F.sum(F.octet_length("content"))).collect()[0][0]
    print(f"{num_bytes / 1e6:,.0f} MB of text, scope {given.scope}")
    if given.warm:
        measure(texts, num_bytes)
    found = measure(texts, num_bytes)
    print(f"{found.num_texts:,} texts, {found.num_removed:,} removed")
    for each in found.rounds:
        print(
            f"round {each.round}: {each.num_pairs:,} pairs, {each.num_verified:,} verified, "
            f"{each.num_removed:,} removed so far"
        )


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure the near-duplicate stage.")
    parser.add_argument("--lake", required=True, help="a lake with a published run")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--scope", choices=("language", "corpus"), default="corpus")
    parser.add_argument("--warm", action="store_true", help="run once before measuring")
    return parser.parse_args()


def texts_of(spark: SparkSession, root: str, scope: str) -> DataFrame:
    """`blob_id`, `content` and `scope` of each text of a lake."""
    lake = Lake(root)
    lake.open()
    texts = lake.read(spark, "contents").where("status = 'ok'").select("blob_id", "content")
    if scope == "corpus":
        return texts.withColumn("scope", F.lit(""))
    languages = lake.read(spark, "file_languages").groupBy("blob_id")
    named = languages.agg(F.min("language").alias("scope"))
    return texts.join(F.broadcast(named), "blob_id", how="inner")


def measure(texts: DataFrame, num_bytes: int) -> RemovedTexts:
    """Search, and print what it took."""
    columns = TextColumns(id="blob_id", text="content", scope="scope")
    started = used()
    with tempfile.TemporaryDirectory() as folder:
        found = deduplicate(texts, columns, folder)
    seconds = used() - started
    print(f"{seconds:.1f} CPU s, {num_bytes / 1e6 / seconds:.1f} MB/s per core")
    return found


def used() -> float:
    """CPU seconds of this process and all below it; workers that ended count with their parent."""
    own = psutil.Process()
    return cpu_seconds([own, *own.children(recursive=True)])


if __name__ == "__main__":
    main()
