"""Compare the reader of stored contents with a plain loop of boto3 over a pool of threads.

Both fetch the same gzip objects from SeaweedFS, which this program starts on this machine, and
unpack them; only the reader checks hashes and lengths, decodes, and bounds its memory. What counts
is CPU time of this process: the server is another one. Then Spark fetches them in 1, 2 and 4 tasks;
what counts there is the CPU time of the JVM and its workers.

Usage: python benchmarks/fetch_stored_contents.py [--objects 4000] [--rounds 5] [--threads 16]
           [--tasks 1 2 4]
"""

import argparse
import gzip
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

import boto3
from botocore.config import Config
from meter import Meter
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_type
from pyspark.sql.types import StringType, StructField, StructType
from s3_servers import S3Server, seaweedfs_server

from stackspark.runtime.session import SessionParams, spark_session
from stackspark.sources.base.content import Request
from stackspark.sources.base.limits import Limits
from stackspark.sources.fetching.fetch import FetchParams, fetch_contents
from stackspark.sources.fetching.metrics import FetchCounts
from stackspark.sources.fetching.stores import StoreParams
from stackspark.sources.fetching.swh_contents import KIND, read_swh_contents
from stackspark.sources.listing.rows import LOCATOR
from stackspark.swhid import blob_id, content_id

BUCKET = "contents"
MAX_TEXT_BYTES = 10 << 20


def source_texts(count: int) -> list[bytes]:
    """Source files of the installed packages; each is made unique by its number."""
    files = sorted(Path(json.__file__).parents[1].rglob("*.py"))
    small = [path.read_bytes() for path in files if path.stat().st_size < MAX_TEXT_BYTES]
    return [small[number % len(small)] + b"# %d\n" % number for number in range(count)]


def fill(server: S3Server, texts: list[bytes]) -> None:
    client = server.create_bucket(BUCKET) and server.client()

    def put(text: bytes) -> None:
        client.put_object(Bucket=BUCKET, Key=f"content/{blob_id(text)}", Body=gzip.compress(text))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, texts))


def request(text: bytes) -> Request:
    """What listing asks for; see `swh_contents.content_locator`."""
    name = blob_id(text)
    place = f"s3://{BUCKET}"
    return Request(content_id(text), KIND, place, name.encode(), len(text), int(name[:4], 16))


def plain_loop(client: Any, names: list[str], threads: int) -> int:
    """What a script would do: get, unpack, hand over in order."""

    def get(name: str) -> bytes:
        answer = client.get_object(Bucket=BUCKET, Key=f"content/{name}")
        return gzip.decompress(answer["Body"].read())

    with ThreadPoolExecutor(threads) as pool:
        return sum(len(text) for text in pool.map(get, names))


def reader(requests: list[Request], threads: int) -> int:
    params = StoreParams(concurrency=threads)
    contents = read_swh_contents(
        f"s3://{BUCKET}", requests, MAX_TEXT_BYTES, Limits(), params=params, counts=FetchCounts()
    )
    return sum(content.length_bytes or 0 for content in contents)


def measured(run: Callable[[], int]) -> tuple[float, float]:
    """MB of text per CPU second and per second."""
    cpu, wall = time.process_time(), time.perf_counter()
    size = run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return size / 1e6 / cpu, size / 1e6 / wall


def in_tasks(spark: SparkSession, requests: list[Request], count: int, threads: int) -> str:
    """Fetch with Spark in a number of tasks at a time."""
    rows = [(each.content_id, tuple(getattr(each, n) for n in LOCATOR.names)) for each in requests]
    schema = StructType(
        [StructField("content_id", StringType()), StructField("locator", from_arrow_type(LOCATOR))]
    )
    wanted = spark.createDataFrame(rows, schema)
    params = FetchParams(num_tasks=count, store=StoreParams(concurrency=threads))
    jvm = spark.sparkContext._gateway.proc.pid
    with Meter(jvm) as meter:
        row = fetch_contents(wanted, params).agg(F.sum("length_bytes")).collect()[0]
        reading = meter.reading()
    size = row[0] / 1e6
    return f"{size / reading.wall_seconds:.1f} MB/s, {size / reading.cpu_seconds:.1f} per core"


def by_tasks(
    requests: list[Request], counts: list[int], rounds: int, threads: int
) -> Iterator[str]:
    """One line per number of tasks: every round of it, behind one that is not counted."""
    if not counts:
        return
    spark = spark_session(SessionParams(master=f"local[{max(counts)}]", opens_s3=True))
    in_tasks(spark, requests, max(counts), threads)
    for count in counts:
        found = [in_tasks(spark, requests, count, threads) for _ in range(rounds)]
        yield f"{count} tasks: " + "; ".join(found)
    spark.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--tasks", type=int, nargs="*", default=[1, 2, 4])
    given = parser.parse_args()
    texts = source_texts(given.objects)
    requests = list(map(request, texts))
    names = [blob_id(text) for text in texts]
    speeds: dict[str, list[tuple[float, float]]] = {"plain": [], "reader": []}
    with seaweedfs_server() as server:
        os.environ.update(server.environment)
        fill(server, texts)
        client = boto3.client("s3", config=Config(max_pool_connections=given.threads))
        # Connections are made and modules read before it counts, on both sides.
        plain_loop(client, names[: given.threads], given.threads)
        reader(requests[: given.threads], given.threads)
        for _ in range(given.rounds):
            speeds["plain"].append(measured(lambda: plain_loop(client, names, given.threads)))
            speeds["reader"].append(measured(lambda: reader(requests, given.threads)))
        grown = list(by_tasks(requests, given.tasks, given.rounds, given.threads))
    size = sum(map(len, texts))
    print(f"{len(texts):,} objects, {size / 1e6:,.1f} MB of text, {given.threads} threads")
    for name, found in speeds.items():
        cpu = ", ".join(f"{each:.1f}" for each, _ in found)
        print(f"{name:<7} MB/s per core: median {median(each for each, _ in found):.1f} ({cpu})")
    ratio = median(r[0] / p[0] for p, r in zip(speeds["plain"], speeds["reader"], strict=True))
    print(f"ratio   {ratio:.2f}")
    print("\n".join(grown))


if __name__ == "__main__":
    main()
