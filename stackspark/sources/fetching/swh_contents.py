"""Reader of contents that Software Heritage archived, each a gzip object named by its SHA-1.

Requests run concurrently, in bounded memory. A request that the network or the store spoils is
repeated; a missing, corrupt or denied object is a content with its fault, never an exception.
"""

import random
import re
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from stackspark.errors import SetupError
from stackspark.sources.base.content import (
    UNAVAILABLE,
    Content,
    Request,
    failed_content,
    make_content,
)
from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.limits import Limits
from stackspark.sources.fetching.metrics import FetchCounts
from stackspark.sources.fetching.stores import (
    ContentStore,
    ExpiredFault,
    StoreParams,
    TransientFault,
    content_store,
)

KIND = "swh-content"
GZIP_COST_BYTES = 64 * 1024
"""Most bytes that gzip adds to a content that it cannot compress, with room to spare."""

MAX_RENEWALS = 3
"""Times that credentials may expire during the requests for one content."""


def content_locator(location: str, blob_id: Column, length_bytes: Column) -> Column:
    """The `locator` of a content in a store, as `rows.LOCATOR` has it.

    Args:
        location: ``s3://BUCKET[/PREFIX]`` or a folder; the object is ``content/<blob_id>`` below.
        blob_id: SHA-1 of the bytes in hex.
        length_bytes: length of the bytes, which must be right.

    Returns:
        A struct; units are the 65,536 beginnings of `blob_id`, so that they spread over tasks and
        over the store's partitions.
    """
    return F.struct(
        F.lit(KIND).alias("kind"),
        F.lit(location).alias("location"),
        F.encode(blob_id, "utf-8").alias("member"),
        length_bytes.cast("bigint").alias("position"),
        F.conv(F.substring(blob_id, 1, 4), 16, 10).cast("int").alias("unit"),
    )


def read_swh_contents(
    location: str,
    requests: Iterable[Request],
    max_text_bytes: int,
    _limits: Limits,
    *,
    params: StoreParams,
    counts: FetchCounts,
) -> Iterator[Content]:
    """Read contents of a store in the order of the requests.

    Args:
        location: of the store; see `content_locator`.
        requests: `member` is the SHA-1 in hex, `position` the length; `content_id` the sha1_git.
        max_text_bytes: a content of this length or more is not fetched: its row says too_large.
        params: concurrency, retries and limits.
        counts: counts requests and bytes.

    Raises:
        SetupError: if the store or the credentials cannot be used.
    """
    fetcher = _Fetcher(content_store(location, params), max_text_bytes, params, counts)
    failures = 0
    for content in _prefetched(fetcher.fetch, requests, params, max_text_bytes):
        counts.add_content(content)
        failures = failures + 1 if content.error_class in UNAVAILABLE else 0
        if failures == params.max_failures:
            raise SetupError(
                f"{failures} contents in a row cannot be had from {location}/content, the last one "
                f"because: {content.message}; check the location, the access and the network, and "
                "run again: what was committed is not fetched again"
            )
        yield content


def _prefetched(
    fetch: Callable[[Request], Content],
    requests: Iterable[Request],
    params: StoreParams,
    max_text_bytes: int,
) -> Iterator[Content]:
    """Contents in the order of requests, fetched ahead within the limits on requests and bytes."""
    pending: deque[tuple[Future[Content], int]] = deque()
    held = 0
    pool = ThreadPoolExecutor(params.concurrency)
    try:
        for request in requests:
            cost = request.position if request.position < max_text_bytes else 0
            while pending and (
                held + cost > params.in_flight_bytes or len(pending) >= 4 * params.concurrency
            ):
                future, freed = pending.popleft()
                held -= freed
                yield future.result()
            pending.append((pool.submit(fetch, request), cost))
            held += cost
        for future, _ in pending:
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Fetcher:
    """Fetches one content after another, in any number of threads."""

    _store: ContentStore
    _max_text_bytes: int
    _params: StoreParams
    _counts: FetchCounts

    def fetch(self, request: Request) -> Content:
        """Return the content, or its fault."""
        name = (request.member or b"").decode("ascii", "replace")
        if not re.fullmatch("[0-9a-f]{40}", name):
            fault = SourceFault("invalid_id", f"{name!r} is no SHA-1")
            return failed_content(request.content_id, fault)
        if request.position >= self._max_text_bytes:
            return Content(request.content_id, name, request.position, "too_large")
        try:
            return self._checked(request, name)
        except SourceFault as fault:
            return failed_content(request.content_id, fault)

    def _checked(self, request: Request, name: str) -> Content:
        """Repeat the request until a body has the right hashes or the attempts are spent."""
        spent: Counter[str] = Counter()
        while True:
            try:
                return self._request(request, name)
            except (SourceFault, TransientFault) as fault:
                kind, most = self._attempts(fault)
                spent[kind] += 1
                if spent[kind] == most:
                    raise _given_up(fault, spent.total()) from None
            self._wait(spent.total())

    def _attempts(self, fault: Exception) -> tuple[str, int]:
        """Kind of a fault, and the number of such faults at which a content is given up."""
        if isinstance(fault, ExpiredFault):
            return "expired", MAX_RENEWALS
        if isinstance(fault, TransientFault):
            return "transient", self._params.max_attempts
        if isinstance(fault, SourceFault) and fault.error_class in UNAVAILABLE:
            return "unavailable", 1
        # Wrong bytes may have been spoiled on their way: they are requested again.
        return "body", self._params.max_bodies

    def _request(self, request: Request, name: str) -> Content:
        length = request.position
        max_bytes = length + length // 100 + GZIP_COST_BYTES
        self._counts.add(requests=1)
        data = self._store.get(name, max_bytes)
        self._counts.add(body_bytes=len(data))
        raw = gunzip(data, length)
        content = make_content(request.content_id, length, iter((raw,)), self._max_text_bytes)
        if content.error_class or content.blob_id != name:
            message = f"the object's bytes are not those of {name} and {request.content_id}"
            raise SourceFault("corrupt_object", message)
        return content

    def _wait(self, attempt: int) -> None:
        self._counts.add(retries=1)
        params = self._params
        # Equal waits of many throttled tasks would bring them back together.
        longest = min(params.max_wait_seconds, params.min_wait_seconds * 2 ** (attempt - 1))
        time.sleep(random.uniform(0, longest))  # noqa: S311, no secret


def _given_up(fault: Exception, attempts: int) -> Exception:
    if isinstance(fault, ExpiredFault):
        return SetupError(f"{fault}; run again: what was committed is not fetched again")
    if isinstance(fault, TransientFault):
        message = f"{attempts} requests failed, the last one with {fault}"
        return SourceFault("unavailable_object", message)
    return fault


def gunzip(data: bytes, length_bytes: int) -> bytes:
    """Unpack one gzip member that must hold a number of bytes; no more than those are unpacked.

    Raises:
        SourceFault: corrupt_object, truncated_object or oversized_object.
    """
    decoder = zlib.decompressobj(wbits=31)
    try:
        raw = decoder.decompress(data, length_bytes + 1)
    except zlib.error as error:
        raise SourceFault("corrupt_object", f"the object cannot be unpacked: {error}") from error
    if len(raw) > length_bytes:
        message = f"the object unpacks to more than the {length_bytes} bytes of its content"
        raise SourceFault("oversized_object", message)
    if not decoder.eof:
        raise SourceFault("truncated_object", f"the object ends after {len(data)} bytes")
    if len(raw) < length_bytes or decoder.unused_data:
        found = f"{len(raw)} bytes and {len(decoder.unused_data)} behind them"
        raise SourceFault("corrupt_object", f"{length_bytes} bytes were announced, found {found}")
    return raw
