"""datatrove's MinHash in its four steps, one after the other in one process."""

import json
from pathlib import Path

import pyarrow.parquet as pq
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.hashing import HashConfig
from protocol import Answer, Task, serve

CONFIG = MinhashConfig(
    hash_config=HashConfig(precision=64), n_grams=5, num_buckets=14, hashes_per_bucket=8
)


def main() -> None:
    """Search as asked."""
    serve(search, prepare=split)


def split(task: Task) -> Path:
    """A folder with as many files as there are to be tasks, in the order of the rows."""
    rows = pq.read_table(task.parquet, columns=["id", "text"])
    folder = task.folder / "input"
    folder.mkdir()
    num_files = task.partitions or 1
    size = -(-rows.num_rows // num_files)
    for number in range(num_files):
        pq.write_table(rows.slice(number * size, size), folder / f"{number:05d}.parquet")
    return folder


def search(task: Task) -> Answer:
    """Texts that the last step leaves out."""
    work, num_tasks = task.folder, task.partitions or 1
    reader = ParquetReader(str(task.parquet), read_metadata=False)
    signatures, buckets, clusters = (str(work / name) for name in ("sigs", "buckets", "clusters"))
    steps: list[tuple[list[PipelineStep], int]] = [
        ([reader, MinhashDedupSignature(signatures, config=CONFIG)], num_tasks),
        ([MinhashDedupBuckets(signatures, buckets, config=CONFIG)], CONFIG.num_buckets),
        ([MinhashDedupCluster(buckets, clusters, config=CONFIG)], 1),
        ([reader, MinhashDedupFilter(clusters, excluded(work))], num_tasks),
    ]
    for number, (pipeline, tasks) in enumerate(steps):
        logs = str(work / f"logs-{number}")
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=logs).run()
    lines = [line for path in (work / "out").glob("*") for line in path.open(encoding="utf-8")]
    return Answer(removed=[json.loads(line)["id"] for line in lines])


def excluded(work: Path) -> JsonlWriter:
    """Where the last step writes what it leaves out."""
    return JsonlWriter(str(work / "out"), compression=None)


if __name__ == "__main__":
    main()
