"""Metrics of fetching: requests, bytes and outcomes, counted in tasks and summed on the driver."""

import threading
from collections import Counter

from pyspark.sql import SparkSession

from stackspark.sources.base.content import Content

COUNTS = ("requests", "retries", "body_bytes", "contents", "text_bytes", "unusable")


class FetchMetrics:
    """Sums over all tasks; a task that is tried again asks, and counts, again."""

    def __init__(self, spark: SparkSession) -> None:
        context = spark.sparkContext
        self._sums = {name: context.accumulator(0) for name in COUNTS}

    def add(self, counts: "FetchCounts") -> None:
        """Add the counts since the last call; called by tasks."""
        for name, number in counts.take().items():
            self._sums[name].add(number)

    def totals(self) -> dict[str, int]:
        """Sums over the tasks that have ended."""
        return {name: int(total.value) for name, total in self._sums.items()}


class FetchCounts:
    """Counts of one task, from any of its threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, **numbers: int) -> None:
        """Add to counts of `COUNTS`, such as ``retries=1``; `body_bytes` are compressed."""
        with self._lock:
            self._counts.update(numbers)

    def add_content(self, content: Content) -> None:
        """Count the outcome of a content."""
        is_usable = content.error_class is None
        length = content.length_bytes if is_usable and content.status != "too_large" else 0
        self.add(contents=1, text_bytes=length or 0, unusable=int(not is_usable))

    def take(self) -> dict[str, int]:
        """Return the counts since the last call, and start again from zero."""
        with self._lock:
            taken, self._counts = dict(self._counts), Counter()
        return taken
