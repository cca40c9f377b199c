"""What fetching costs: requests, bytes and outcomes, counted in tasks and summed on the driver."""

import threading
from collections import Counter
from typing import Any, Protocol

from pyspark.sql import SparkSession

from stackspark.sources.base.content import Content

COUNTS = ("requests", "retries", "body_bytes", "contents", "text_bytes", "unusable")


class _Sum(Protocol):
    value: Any

    def add(self, term: int) -> None: ...


class FetchMetrics:
    """Sums over all tasks; a task that is tried again asks, and counts, again."""

    def __init__(self, spark: SparkSession) -> None:
        context = spark.sparkContext
        self._sums: dict[str, _Sum] = {name: context.accumulator(0) for name in COUNTS}

    def add(self, counted: "FetchCounts") -> None:
        """Add what was counted since the last time; called by tasks."""
        for name, number in counted.take().items():
            self._sums[name].add(number)

    def totals(self) -> dict[str, int]:
        """The sums so far: of tasks that have ended."""
        return {name: int(total.value) for name, total in self._sums.items()}


class FetchCounts:
    """Counts of one task, from any of its threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add_request(self) -> None:
        """One object was asked for."""
        self._add(requests=1)

    def add_retry(self) -> None:
        """An answer was of no use, and the object is asked for again."""
        self._add(retries=1)

    def add_body(self, size_bytes: int) -> None:
        """A body arrived, compressed."""
        self._add(body_bytes=size_bytes)

    def add_content(self, content: Content) -> None:
        """A content has its outcome."""
        is_usable = content.error_class is None
        length = content.length_bytes if is_usable and content.status != "too_large" else 0
        self._add(contents=1, text_bytes=length or 0, unusable=int(not is_usable))

    def take(self) -> dict[str, int]:
        """What was counted since the last time."""
        with self._lock:
            taken, self._counts = dict(self._counts), Counter()
        return taken

    def _add(self, **numbers: int) -> None:
        with self._lock:
            self._counts.update(numbers)
