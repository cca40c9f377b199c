"""How CPU time grows with the rows: a corpus beside three and ten times as many.

Copy n of the corpus has a letter of its own at the end of every token. So the larger corpora have
the same texts, families and similarities, n times, and no text is similar to one of another copy.
"""

import re
from collections.abc import Iterator, Sequence

import pyarrow.parquet as pq

from near_duplicates.corpora import Corpus, Text, write
from near_duplicates.measuring import Measuring
from near_duplicates.tools import TOOLS

TIMES = (1, 3, 10)
MAX_GROWTH_PER_ROW = 1.05
TOKEN = re.compile(r"[A-Za-z0-9_\x80-\U0010ffff]+")


def scale(corpus: Corpus, name: str, times: Sequence[int] = TIMES) -> str:
    """Run a tool on each size; a Markdown table with what it took."""
    measuring = Measuring(work=corpus.work)
    lines = ["| rows | MB | CPU s, first | second | first, against x1 | peak MB | removed |"]
    lines.append("|---|---|---|---|---|---|---|")
    base = 0.0
    for number in times:
        multiple = multiplied(corpus, number)
        run = measuring.run(TOOLS[name], multiple)
        first, second = run.readings[0].cpu_seconds, run.readings[-1].cpu_seconds
        base = base or first
        peak = max(reading.peak_memory_bytes for reading in run.readings)
        lines.append(
            f"| {multiple.num_rows:,} (x{number}) | {text_bytes(multiple) / 1e6:,.0f} "
            f"| {first:.1f} | {second:.1f} | x{first / base:.2f} "
            f"(goal: at most x{number / times[0] * MAX_GROWTH_PER_ROW:.2f}) "
            f"| {peak / 1e6:,.0f} | {len(run.removed):,} |"
        )
    return "\n".join(lines)


def multiplied(corpus: Corpus, times: int) -> Corpus:
    """A corpus `times` times, written if it is not there."""
    larger = Corpus(work=corpus.work, name=f"{corpus.path.stem}-x{times}")
    if not larger.path.exists():
        partial = larger.path.with_suffix(".partial")
        write((text for copy in range(times) for text in copied(corpus, copy)), partial)
        partial.rename(larger.path)
    return larger


def copied(corpus: Corpus, copy: int) -> Iterator[Text]:
    """The texts of a corpus, every token with the letter of the copy."""
    letter = chr(ord("a") + copy)
    with pq.ParquetFile(corpus.path) as file:
        for batch in file.iter_batches(batch_size=256, columns=["id", "text"]):
            for row in batch.to_pylist():
                text = TOKEN.sub(lambda found: found[0] + letter, row["text"])
                size = len(text.encode())
                yield Text(id=f"{letter}/{row['id']}", text=text, num_bytes=size)


def text_bytes(corpus: Corpus) -> int:
    """Bytes of text of a corpus."""
    with pq.ParquetFile(corpus.path) as file:
        batches = file.iter_batches(batch_size=256, columns=["text"])
        return sum(len(text.encode()) for batch in batches for text in batch["text"].to_pylist())
