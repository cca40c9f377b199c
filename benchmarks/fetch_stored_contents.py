"""Compare the reader of stored contents with a plain loop of boto3 over a pool of threads.

Both fetch the same gzip objects from SeaweedFS, which this program starts on this machine, and
unpack them; only the reader checks hashes and lengths, decodes, and bounds its memory. What counts
is CPU time of this process: the server is another one.

Usage: python benchmarks/fetch_stored_contents.py [--objects 4000] [--rounds 5] [--threads 16]
"""

import argparse
import gzip
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from s3_servers import S3Server, seaweedfs_server

from stackspark.io.s3 import s3_client
from stackspark.sources.content_stores import StoreParams
from stackspark.sources.contents import Request
from stackspark.sources.fetch_metrics import FetchCounts
from stackspark.sources.limits import Limits
from stackspark.sources.swh_contents import KIND, read_swh_contents
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


def plain_loop(names: list[str], threads: int) -> int:
    """What a script would do: get, unpack, hand over in order."""
    client = s3_client(max_pool_connections=threads)

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=16)
    given = parser.parse_args()
    texts = source_texts(given.objects)
    requests = [
        Request(content_id(text), KIND, "", blob_id(text).encode(), len(text), 0) for text in texts
    ]
    names = [blob_id(text) for text in texts]
    speeds: dict[str, list[tuple[float, float]]] = {"plain": [], "reader": []}
    with seaweedfs_server() as server:
        os.environ.update(server.environment)
        fill(server, texts)
        for _ in range(given.rounds):
            speeds["plain"].append(measured(lambda: plain_loop(names, given.threads)))
            speeds["reader"].append(measured(lambda: reader(requests, given.threads)))
    size = sum(map(len, texts))
    print(f"{len(texts):,} objects, {size / 1e6:,.1f} MB of text, {given.threads} threads")
    for name, found in speeds.items():
        cpu = ", ".join(f"{each:.1f}" for each, _ in found)
        print(f"{name:<7} MB/s per core: median {median(each for each, _ in found):.1f} ({cpu})")
    ratio = median(r[0] / p[0] for p, r in zip(speeds["plain"], speeds["reader"], strict=True))
    print(f"ratio   {ratio:.2f}")


if __name__ == "__main__":
    main()
