"""Licence texts that kept files rest on, by their bytes."""

import pytest
from pyspark.sql import Row, SparkSession

from stackspark.export.shape_notices_export import shape_notices_export

TEXT, METADATA = "license_file", "package_metadata"
KEPT = [("one", "/a.c"), ("one", "/b.c"), ("two", "/a.c"), ("three", "/a.c"), ("four", "/a.c")]
DECISIONS = {
    ("one", "/a.c"): [("/LICENSE", TEXT), ("/package.json", METADATA)],
    ("one", "/b.c"): [("/LICENSE", TEXT), ("/lib/COPYING", TEXT)],
    ("two", "/a.c"): [("/LICENSE", TEXT)],
    ("three", "/a.c"): [("/package.json", METADATA)],
    ("four", "/a.c"): [("/LICENSE", TEXT)],  # a picture
    ("one", "/gone.c"): [("/OTHER", TEXT)],  # not kept
}
PLACES = {
    ("one", "/LICENSE"): "mit",
    ("one", "/lib/COPYING"): "isc",
    ("two", "/LICENSE"): "mit",
    ("four", "/LICENSE"): "picture",
    ("one", "/OTHER"): "gpl",
}


@pytest.fixture(scope="module")
def notices(spark: SparkSession) -> dict[str, Row]:
    sources = "array<struct<path:string,expression:string,source:string>>"
    decided = [
        (*place, [(path, "X", source) for path, source in declared])
        for place, declared in DECISIONS.items()
    ]
    texts = [(blob, blob.upper(), [f"Copyright 2020 {blob}"]) for blob in ("mit", "isc", "gpl")]
    statuses = [("mit", "ok", 11), ("isc", "ok", 12), ("gpl", "ok", 13), ("picture", "binary", 14)]
    shaped = shape_notices_export(
        spark.createDataFrame(KEPT, "directory_id string, path string"),
        licenses=spark.createDataFrame(
            decided, f"directory_id string, path string, license_sources {sources}"
        ),
        files=spark.createDataFrame(
            [(*place, blob) for place, blob in PLACES.items()],
            "directory_id string, path string, blob_id string",
        ),
        license_texts=spark.createDataFrame(
            [*texts, ("picture", None, [])],
            "blob_id string, expression string, holders array<string>",
        ),
        origins=spark.createDataFrame(
            [(name, f"repo/{name}") for name in ("one", "two", "three", "four")],
            "directory_id string, repo_name string",
        ),
        contents=spark.createDataFrame(
            statuses, "blob_id string, status string, length_bytes bigint"
        ),
    )
    rows = shaped.collect()
    assert len(rows) == len({row.blob_id for row in rows})
    return {row.blob_id: row for row in rows}


def test_a_text_has_one_row_with_those_who_rest_on_it(notices: dict[str, Row]) -> None:
    assert tuple(notices["mit"]) == (
        *("mit", "MIT", ["Copyright 2020 mit"], 3, 2),
        *("repo/one", "/LICENSE", 11),
    )
    assert (notices["isc"].num_files, notices["isc"].path) == (1, "/lib/COPYING")


def test_texts_of_removed_files_and_files_without_text_have_no_row(
    notices: dict[str, Row],
) -> None:
    assert set(notices) == {"mit", "isc"}
