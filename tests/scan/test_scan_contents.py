"""The one scan: each group where it was asked for, each name once, each text read once."""

import hashlib
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from stackspark.decontamination.matcher import BenchmarkItem, BenchmarkMatcher
from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.lake.content_reader import ReadMetrics
from stackspark.scan.scan_contents import (
    GROUPS,
    LICENSE_HEADER,
    LICENSE_TEXT,
    SCANNED,
    ScanContentsParams,
    scan_contents,
)

LEAKED = "def beam(light):\n    return sum(ray.length for ray in light.rays)\n"
PAGE = "<html><head><script>let a = 1;</script></head><body><p>Low tide</p></body></html>\n"
TEXTS = ["", LEAKED, PAGE, "# SPDX-License-Identifier: MIT\nanswer = 42\n"]
ITEM = BenchmarkItem(benchmark="lights", item_id="7", field="solution", text=LEAKED)
PARAMS = ScanContentsParams(
    minhash=MinHashParams(num_perm=16, num_bands=4, rows_per_band=2),
    benchmarks=BenchmarkMatcher([ITEM]),
)
ALL = list(GROUPS)
REQUESTS: list[tuple[int, list[str], str | None]] = [
    (0, ALL, "empty.py"),
    (1, [], "beam.txt"),
    (1, ALL, "beam.py"),
    (2, [], "page.html"),
    (2, ["text"], None),
    (2, [LICENSE_HEADER], None),
    (3, ["shingles", "benchmarks"], None),
    (3, [LICENSE_TEXT], None),
    (3, [LICENSE_HEADER], None),
]


def _blob_id(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


Scan = list[dict[str, Any]]


@pytest.fixture(scope="module")
def scan(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scan, ReadMetrics]:
    path = tmp_path_factory.mktemp("contents") / "c.parquet"
    table = {"blob_id": [_blob_id(text) for text in TEXTS], "content": TEXTS}
    pq.write_table(pa.table(table), path, row_group_size=3)
    plan = [
        (_blob_id(TEXTS[row]), groups, name, path.as_uri(), 0, row)
        for row, groups, name in REQUESTS
    ]
    columns = "blob_id string, groups array<string>, name string, "
    place = "content_file string, content_block bigint, content_row bigint"
    requests = spark.createDataFrame(plan, columns + place)
    requests = requests.coalesce(1).sortWithinPartitions("content_row")
    metrics = ReadMetrics(spark)
    scanned = scan_contents(requests, PARAMS, metrics)
    assert scanned.columns == SCANNED.names
    return [row.asDict(recursive=True) for row in scanned.collect()], metrics


def _row(rows: Scan, text: int, name: str | None) -> dict[str, Any]:
    found = [
        row
        for row in rows
        if row["blob_id"] == _blob_id(TEXTS[text])
        and row[LICENSE_TEXT] is None
        and (row["named"]["name"] if row["named"] else None) == name
    ]
    assert len(found) == 1
    return found[0]


def test_scan_measures_the_groups_that_were_asked_for(scan: tuple[Scan, ReadMetrics]) -> None:
    rows, _ = scan
    assert len(rows) == len(REQUESTS)
    measured = [row for row in REQUESTS if not {LICENSE_TEXT, LICENSE_HEADER} & set(row[1])]
    for text, groups, name in measured:
        row = _row(rows, text, name)
        assert [group for group in GROUPS if row[group] is not None] == [
            group for group in GROUPS if group in groups
        ]


def test_scan_looks_at_the_names_that_were_given(scan: tuple[Scan, ReadMetrics]) -> None:
    rows, _ = scan
    found = {
        row["named"]["name"]: (row["named"]["language"], row["named"]["visible_chars"])
        for row in rows
        if row["named"]
    }
    assert found == {
        "empty.py": ("Python", None),
        "beam.txt": ("Text", None),
        "beam.py": ("Python", None),
        "page.html": ("HTML", len("Low tide\n")),
    }


def test_scan_measures_the_text_of_the_row(scan: tuple[Scan, ReadMetrics]) -> None:
    rows, _ = scan
    page, leaked = _row(rows, 2, None), _row(rows, 1, "beam.py")
    assert (page["text"]["num_chars"], page["text"]["num_lines"]) == (len(PAGE), 1)
    assert leaked["text"]["num_lines"] == 2
    assert leaked["benchmarks"]["benchmark_matches"] == [
        {"benchmark": "lights", "item_id": "7", "field": "solution"}
    ]
    clean = _row(rows, 3, None)
    assert clean["benchmarks"]["benchmark_matches"] == []
    assert len(leaked["shingles"]["signature"]) == 16 // 4
    assert len(leaked["shingles"]["band_hashes"]) == 4 * 8


def test_scan_hands_out_the_texts_that_were_asked_for(scan: tuple[Scan, ReadMetrics]) -> None:
    handed = [
        (row["blob_id"], row[LICENSE_TEXT]) for row in scan[0] if row[LICENSE_TEXT] is not None
    ]
    # a header that does not speak of a licence is empty
    wanted = [(3, TEXTS[3]), (3, TEXTS[3]), (2, "")]
    assert sorted(handed) == sorted((_blob_id(TEXTS[text]), said) for text, said in wanted)


def test_scan_of_an_empty_text_measures_nothing_and_fails_nothing(
    scan: tuple[Scan, ReadMetrics],
) -> None:
    row = _row(scan[0], 0, "empty.py")
    assert (row["text"]["num_chars"], row["shingles"]["num_tokens"]) == (0, 0)


def test_scan_reads_each_text_once(scan: tuple[Scan, ReadMetrics]) -> None:
    totals = scan[1].totals()
    assert (totals["num_texts"], totals["num_row_groups"]) == (len(TEXTS), 2)


def test_versions_change_with_what_is_measured() -> None:
    other = ScanContentsParams(
        minhash=MinHashParams(num_perm=16, num_bands=4, rows_per_band=3),
        benchmarks=BenchmarkMatcher([]),
    )
    assert set(PARAMS.versions) == {*GROUPS, "languages"}
    changed = {name for name, version in PARAMS.versions.items() if other.versions[name] != version}
    assert changed == {"shingles", "benchmarks"}
