"""Rows of `measurements` and `file_languages` from what the scan hands out."""

from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from stackspark.contracts.tables import table_contract
from stackspark.scan.merge_measurements import merge_file_languages, merge_measurements
from stackspark.scan.scan_contents import GROUPS, SCANNED

NEW = {"text": "t2", "encoded": "e2", "shingles": "s2", "benchmarks": "b2"}
TEXT = {
    "num_chars": 10, "num_lines": 2, "avg_line_length": 4.5, "max_line_length": 5,
    "alphanum_fraction": 0.5, "alpha_fraction": 0.25, "generated_marker": None,
    "normalized_hash": "9" * 40, "spdx_license_tag": "MIT",
}  # fmt: skip
ENCODED = {"encoded_fraction": 0.125, "max_encoded_chars": 7}
SHINGLES = {"num_tokens": 3, "num_shingles": 1, "band_hashes": b"\x02", "signature": b"\x01"}
BENCHMARKS = {"benchmark_matches": [{"benchmark": "b", "item_id": "1", "field": "prompt"}]}
NAMED = {
    "name": "a.py", "language": "Python", "is_generated": False, "declared_license": None,
    "visible_chars": None,
}  # fmt: skip
WHOLE = {"text": TEXT, "encoded": ENCODED, "shingles": SHINGLES, "benchmarks": BENCHMARKS}
EMPTY: dict[str, Any] = {**dict.fromkeys(GROUPS), "named": None}
SCAN = [
    {**EMPTY, "blob_id": "whole", **WHOLE, "named": NAMED},
    {**EMPTY, "blob_id": "whole", "named": {**NAMED, "name": "b", "language": None}},
    {**EMPTY, "blob_id": "partial", "encoded": ENCODED},
    {**EMPTY, "blob_id": "renamed", "named": NAMED},
]
OLD = {
    f"{group}_version": f"{group[0]}1" for group in GROUPS
} | TEXT | ENCODED | SHINGLES | BENCHMARKS | {
    "num_chars": 99, "encoded_fraction": 1.0, "max_encoded_chars": 8, "signature": b"\x02",
}  # fmt: skip


def _scanned(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(pa.Table.from_pylist(SCAN, SCANNED))


def _measurements(spark: SparkSession) -> DataFrame:
    contract = table_contract("measurements")
    rows = [{**OLD, "blob_id": blob_id} for blob_id in ("partial", "renamed", "other")]
    schema = StructType.fromDDL(contract.ddl.replace(" not null", ""))
    table = pa.Table.from_pylist(
        [{name: row[name] for name in contract.column_names} for row in rows]
    )
    return spark.createDataFrame(table, schema)


def _merged(spark: SparkSession) -> dict[str, dict[str, Any]]:
    merged = merge_measurements(_scanned(spark), _measurements(spark), NEW, GROUPS)
    assert merged.columns == list(table_contract("measurements").column_names)
    rows = [row.asDict(recursive=True) for row in merged.collect()]
    assert len(rows) == len({row["blob_id"] for row in rows})
    return {row["blob_id"]: row for row in rows}


def test_merge_measurements_has_a_row_for_each_blob_that_was_measured(spark: SparkSession) -> None:
    assert set(_merged(spark)) == {"whole", "partial"}


def test_merge_measurements_takes_a_whole_blob_as_it_was_measured(spark: SparkSession) -> None:
    versions = {f"{group}_version": version for group, version in NEW.items()}
    expected = {"blob_id": "whole", **versions, **TEXT, **ENCODED, **SHINGLES, **BENCHMARKS}
    assert _merged(spark)["whole"] == expected


def test_merge_measurements_keeps_the_groups_that_were_not_measured_again(
    spark: SparkSession,
) -> None:
    assert _merged(spark)["partial"] == {
        **OLD, "blob_id": "partial", "encoded_version": "e2", **ENCODED
    }  # fmt: skip


def test_merge_file_languages_has_a_row_for_each_name(spark: SparkSession) -> None:
    merged = merge_file_languages(_scanned(spark), "l2")
    assert merged.columns == list(table_contract("file_languages").column_names)
    rows = sorted(
        (row["blob_id"], row["name"], row["language"], row["languages_version"])
        for row in merged.where("language is not null").collect()
    )
    assert rows == [("renamed", "a.py", "Python", "l2"), ("whole", "a.py", "Python", "l2")]
    (unknown,) = merged.where("language is null").collect()
    assert (unknown["blob_id"], unknown["name"], unknown["is_generated"]) == ("whole", "b", False)
