"""The kernel alone: texts in Arrow buffers in, band hashes and signatures out, on one core."""

from dataclasses import replace
from statistics import median
from time import process_time

import pyarrow as pa
import pyarrow.parquet as pq

from near_duplicates.corpora import Corpus
from stackspark.duplicates.near.kernels.minhash import MinHashParams, measure_shingles

GOALS = {256: 200, 1024: 120}
"""MB/s per core that each number of permutations should reach."""

ROUNDS = 5
BATCH_ROWS = 1000


def kernel_table(corpus: Corpus) -> str:
    """MB/s per core by number of permutations; a Markdown table of medians."""
    batches = [
        batch.column("text")
        for batch in pq.ParquetFile(corpus.path).iter_batches(BATCH_ROWS, columns=["text"])
    ]
    num_bytes = sum(texts.nbytes for texts in batches)
    lines = ["| permutations | MB/s per core | lowest | highest | goal |", "|---|---|---|---|---|"]
    for num_perm, goal in GOALS.items():
        params = replace(MinHashParams(), num_perm=num_perm)
        measure_shingles(batches[0], params)
        speeds = sorted(num_bytes / 1e6 / seconds(batches, params) for _ in range(ROUNDS))
        lines.append(
            f"| {num_perm:,} | {median(speeds):.0f} | {speeds[0]:.0f} | {speeds[-1]:.0f} | {goal} |"
        )
    return "\n".join([*lines, "", f"{num_bytes / 1e6:,.1f} MB, {ROUNDS} rounds."])


def seconds(batches: list[pa.Array], params: MinHashParams) -> float:
    """CPU seconds that the kernel takes for all batches."""
    started = process_time()
    for texts in batches:
        measure_shingles(texts, params)
    return process_time() - started
