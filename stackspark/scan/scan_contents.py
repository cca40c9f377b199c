"""The one scan of contents: everything that is measured of the bytes, in one pass.

Output: what `measurements` and `file_languages` are made of, one row per request.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.contracts.tables import table_contract
from stackspark.decontamination.matcher import BenchmarkMatcher
from stackspark.duplicates.near.kernels.minhash import MinHashParams, measure_shingles
from stackspark.lake.content_reader import ContentBatch, ReadMetrics, map_contents
from stackspark.languages.linguist import LANGUAGES_VERSION, detect_language, is_generated
from stackspark.licenses.detector.answers import MAX_TEXT_CHARS, header_of
from stackspark.licenses.metadata import DECLARED_VERSION, declared_license
from stackspark.texts.encoded_data import ENCODED_VERSION, measure_encoded_data
from stackspark.texts.html_text import HTML_VERSION, visible_chars
from stackspark.texts.text_metrics import TEXT_VERSION, measure_text

GROUPS = ("text", "encoded", "shingles", "benchmarks")
"""Groups of metrics that depend on the bytes alone; each has a version of its own."""

LICENSE_TEXT, LICENSE_HEADER = "license_text", "license_header"
"""Asked for like groups: the text itself, or its first lines, for the detector of licences."""

_OF_NAMED_BLOBS = table_contract("file_languages").fields("blob_id", "languages_version")
_OF_BLOBS = table_contract("measurements").columns
SCANNED = pa.schema(
    {
        "blob_id": pa.string(),
        **{
            group: pa.struct(
                [
                    column.field
                    for column in _OF_BLOBS
                    if column.group == group and column.name != f"{group}_version"
                ]
            )
            for group in GROUPS
        },
        "named": pa.struct(_OF_NAMED_BLOBS),
        LICENSE_TEXT: pa.string(),
    }
)
"""Rows that the scan hands out; a group is null where it was not asked for."""


@dataclass(frozen=True, kw_only=True)
class ScanContentsParams:
    """Measurements to make; their versions decide which blobs are scanned again."""

    minhash: MinHashParams = field(default_factory=MinHashParams)
    benchmarks: BenchmarkMatcher

    @property
    def versions(self) -> dict[str, str]:
        """Version of each group of metrics, as `measurements` and `file_languages` store it."""
        return {
            "text": TEXT_VERSION,
            "encoded": ENCODED_VERSION,
            "shingles": self.minhash.version,
            "benchmarks": self.benchmarks.fingerprint,
            "languages": f"{LANGUAGES_VERSION}+{DECLARED_VERSION}+{HTML_VERSION}",
        }


def scan_contents(
    plan: DataFrame, params: ScanContentsParams, metrics: ReadMetrics | None = None
) -> DataFrame:
    """Measure each requested blob once and under each requested name.

    Args:
        plan: read plan whose payload is `groups` (array<string>, the groups of metrics to measure,
            `LICENSE_TEXT` and `LICENSE_HEADER`; empty for none) and `name` (base name to detect the
            language under; null for none).
        params: what to measure.
        metrics: where to count what is read.

    Returns:
        Rows of `SCANNED`, one per request: one struct per group of metrics, `named`, null
        without a name, and `license_text`, null where it was not asked for.
    Shuffles: none; the texts stay where they are read.
    """
    return map_contents(plan, _scanner(params), from_arrow_schema(SCANNED), metrics)


def _scanner(
    params: ScanContentsParams,
) -> Callable[[Iterator[ContentBatch]], Iterator[pa.RecordBatch]]:
    def scan(batches: Iterator[ContentBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _scanned(batch, params)

    return scan


def _scanned(batch: ContentBatch, params: ScanContentsParams) -> pa.RecordBatch:
    groups = batch.requests.column("groups").to_pylist()
    measured = _measured(batch.texts, {group for row in groups for group in row}, params)
    columns = [batch.requests.column("blob_id")]
    for group in GROUPS:
        rows = [
            int(index) if group in row else None
            for index, row in zip(batch.text_index, groups, strict=True)
        ]
        columns.append(_at(measured.get(group), rows, SCANNED.field(group).type))
    columns += [_by_name(batch), _license_texts(batch, groups)]
    return pa.RecordBatch.from_arrays(columns, schema=SCANNED)


def _measured(
    texts: pa.Array, wanted: set[str], params: ScanContentsParams
) -> dict[str, pa.StructArray]:
    kernels: dict[str, Callable[[], dict[str, pa.Array]]] = {
        "text": lambda: measure_text(texts),
        "encoded": lambda: measure_encoded_data(texts),
        "shingles": lambda: measure_shingles(texts, params.minhash),
        "benchmarks": lambda: {"benchmark_matches": params.benchmarks.matches(texts)},
    }
    return {
        group: _struct(kernels[group](), SCANNED.field(group).type)
        for group in GROUPS
        if group in wanted
    }


def _struct(values: dict[str, pa.Array], kind: pa.StructType) -> pa.StructArray:
    return pa.StructArray.from_arrays([values[field.name] for field in kind], fields=list(kind))


def _at(measured: pa.Array | None, rows: Sequence[int | None], kind: pa.DataType) -> pa.Array:
    """`measured` at `rows`, null at a null."""
    if measured is None:
        return pa.nulls(len(rows), kind)
    return measured.take(pa.array(rows, pa.int64()))


def _by_name(batch: ContentBatch) -> pa.Array:
    named: list[dict[str, Any] | None] = []
    names = batch.requests.column("name").to_pylist()
    for index, name in zip(batch.text_index, names, strict=True):
        known = name is not None
        raw = batch.texts[int(index)].as_buffer().to_pybytes() if known else b""
        named.append(_named(name, raw) if known else None)
    return pa.array(named, SCANNED.field("named").type)


def _license_texts(batch: ContentBatch, groups: Sequence[Sequence[str]]) -> pa.Array:
    texts = [
        _license_text(batch.texts[int(index)], row)
        for index, row in zip(batch.text_index, groups, strict=True)
    ]
    return pa.array(texts, pa.string())


def _license_text(text: pa.StringScalar, groups: Sequence[str]) -> str | None:
    if LICENSE_TEXT in groups:
        return str(text)[:MAX_TEXT_CHARS]
    return header_of(str(text)) if LICENSE_HEADER in groups else None


def _named(name: str, raw: bytes) -> dict[str, Any]:
    text = raw.decode("utf-8")
    language = detect_language(name, raw)
    return {
        "name": name,
        "language": language,
        "is_generated": is_generated(name, raw),
        "declared_license": declared_license(name, text),
        "visible_chars": visible_chars(text) if language == "HTML" else None,
    }
