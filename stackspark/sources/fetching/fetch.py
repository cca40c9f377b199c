"""Fetch the bytes of listed files, decode them, and check them against their ids.

Output: rows of `FETCHED_SCHEMA`. An archive is streamed once, and a repository opened once, per
requested unit; files are read in order of path.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.runtime.sizes import NumBytes
from stackspark.sources.base.content import FETCHED, ContentBatches, Request
from stackspark.sources.base.limits import MIB, Limits, require_positive
from stackspark.sources.fetching.metrics import FetchCounts, FetchMetrics
from stackspark.sources.fetching.readers import READERS, Reader
from stackspark.sources.fetching.stores import StoreParams
from stackspark.sources.fetching.swh_contents import KIND as STORED
from stackspark.sources.fetching.swh_contents import read_swh_contents

FETCHED_SCHEMA = from_arrow_schema(FETCHED)
ORDER = ("kind", "location", "unit", "position", "member", "content_id")


@dataclass(frozen=True, kw_only=True)
class FetchParams:
    """How contents are fetched."""

    num_tasks: int = 32
    """Tasks; a few per core."""

    max_text_bytes: NumBytes = 10 * MIB
    """A content of this length or more is hashed in a stream and has status too_large."""

    fetch_batch_bytes: NumBytes = 8 * MIB
    """Bytes of text in one batch that is handed to Spark."""

    part_contents: int = 200_000
    """Contents that are committed together; more where that would make too many parts."""

    store: StoreParams = field(default_factory=StoreParams)

    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        names = ("num_tasks", "max_text_bytes", "fetch_batch_bytes", "part_contents")
        require_positive(self, "fetch_contents", names)


def fetch_contents(
    requests: DataFrame, params: FetchParams, metrics: FetchMetrics | None = None
) -> DataFrame:
    """Fetch contents.

    Args:
        requests: `content_id`, each once, and a `locator` of a file that has it, from listing.
        params: sizes and limits; the limits must be those of the listing.
        metrics: where requests to stores of contents are counted.

    Returns:
        One row per request: `content_id`, `blob_id`, `length_bytes`, `status` (ok, empty, binary,
        undecodable, too_large, lfs_pointer, missing or corrupt), `src_encoding`,
        `encoding_confidence`, `content` and `decoder_version`; `error_class` and `message` are
        set, and the length and `blob_id` may be null, if and only if the status is missing or
        corrupt.
    Shuffles: one, of ids and locators, by unit.
    """
    located = requests.select("content_id", "locator.*")
    units = located.repartition(params.num_tasks, "kind", "location", "unit")
    fetch = partial(fetch_units, params=params, metrics=metrics)
    return units.sortWithinPartitions(*ORDER).mapInArrow(fetch, FETCHED_SCHEMA)


def fetch_units(
    requests: Iterable[pa.RecordBatch], params: FetchParams, metrics: FetchMetrics | None = None
) -> Iterator[pa.RecordBatch]:
    """Fetch requests that are sorted by `ORDER`; return batches of bounded bytes."""
    out = ContentBatches(params.fetch_batch_bytes)
    counts = FetchCounts()
    stored = partial(read_swh_contents, params=params.store, counts=counts)
    readers: dict[str, Reader] = READERS | {STORED: stored}
    rows = (Request(**row) for batch in requests for row in batch.to_pylist())
    for (kind, location, _), unit in groupby(rows, _unit_key):
        for content in readers[kind](location, unit, params.max_text_bytes, params.limits):
            yield from out.add(content)
    if metrics:
        metrics.add(counts)
    yield from out.finish()


def _unit_key(request: Request) -> tuple[Any, ...]:
    """Key of the requests that one call of a reader serves: a unit, or a whole store."""
    return request.kind, request.location, None if request.kind == STORED else request.unit
