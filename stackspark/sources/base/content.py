"""One fetched content: read, checked against its id, decoded; and batches of them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from stackspark.contracts.tables import table_contract
from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.members import hash_both, read_chunks
from stackspark.swhid import blob_id, content_id
from stackspark.texts.decoding.decode import DECODER_VERSION, decode
from stackspark.texts.lfs_pointers import is_lfs_pointer

ROW_COST_BYTES = 256
"""Bytes that a row without text counts for, so that batches of empty files are bounded as well."""

MAX_BATCH_ROWS = 10_000

UNAVAILABLE = frozenset({"missing_object", "denied_object", "unavailable_object"})
"""Faults of a store, not of the content: many in a row mean a broken store, and each may pass."""

MISSING = UNAVAILABLE.union(
    ("missing_file", "missing_member", "missing_git_object", "not_a_repository")
)
"""Faults of bytes that do not exist or cannot be had."""


class Request(NamedTuple):
    """One wanted content and its place; see `rows.LOCATOR`."""

    content_id: str
    kind: str
    location: str
    member: bytes | None
    position: int
    unit: int


class Content(NamedTuple):
    """One row of `FETCHED`; from `status` to `content` the fields are those of `Decoded`.

    `decoder_version` is null where nothing was decoded.
    """

    content_id: str
    blob_id: str | None = None
    length_bytes: int | None = None
    status: str = "corrupt"
    src_encoding: str | None = None
    encoding_confidence: float | None = None
    content: str | None = None
    decoder_version: int | None = None
    error_class: str | None = None
    message: str | None = None


_FIELDS = [*table_contract("contents").fields(), *table_contract("quarantine").fields()]
_TYPES = {field.name: field.type for field in _FIELDS}
FETCHED = pa.schema([(name, _TYPES[name]) for name in Content._fields])


def make_content(
    wanted: str, length_bytes: int, chunks: Iterator[bytes], max_text_bytes: int
) -> Content:
    """Read a content, check it against the wanted id, and decode it.

    Raises:
        SourceFault: if the bytes cannot be read, or are not as many as announced.
    """
    if length_bytes >= max_text_bytes:
        hashes = hash_both(chunks, length_bytes)
        if hashes.content_id != wanted:
            return changed_content(wanted, hashes.content_id)
        return Content(wanted, hashes.blob_id, length_bytes, "too_large")
    raw = read_chunks(chunks, length_bytes)
    if content_id(raw) != wanted:
        return changed_content(wanted, content_id(raw))
    if is_lfs_pointer(raw):
        return Content(wanted, blob_id(raw), length_bytes, "lfs_pointer")
    return Content(wanted, blob_id(raw), length_bytes, *decode(raw), DECODER_VERSION)


def changed_content(wanted: str, found: str) -> Content:
    """Report bytes that are not the listed ones."""
    message = f"the bytes are now those of {found}; did the source change after it was listed?"
    return Content(wanted, error_class="changed_content", message=message)


def failed_content(wanted: str, fault: SourceFault) -> Content:
    """Report bytes that could not be read."""
    status = "missing" if fault.error_class in MISSING else "corrupt"
    return Content(wanted, status=status, error_class=fault.error_class, message=fault.message)


class ContentBatches:
    """Collects contents into record batches of bounded bytes."""

    def __init__(self, batch_bytes: int) -> None:
        """Start with none; a batch is full once it holds `batch_bytes` of text."""
        self._batch_bytes = batch_bytes
        self._rows: list[Content] = []
        self._bytes = 0

    def add(self, content: Content) -> Iterator[pa.RecordBatch]:
        """Add a content; yield the batch before it, if that one is full."""
        size = ROW_COST_BYTES + (content.length_bytes or 0 if content.content else 0)
        if self._rows and self._bytes + size > self._batch_bytes:
            yield from self.finish()
        self._rows.append(content)
        self._bytes += size
        if len(self._rows) == MAX_BATCH_ROWS:
            yield from self.finish()

    def finish(self) -> Iterator[pa.RecordBatch]:
        """Yield the contents that are left, as the last batch."""
        if self._rows:
            columns: list[tuple[Any, ...]] = list(zip(*self._rows, strict=True))
            arrays = map(pa.array, columns, (field.type for field in FETCHED))
            yield pa.RecordBatch.from_arrays(list(arrays), schema=FETCHED)
        self._rows, self._bytes = [], 0
