"""What the scan is asked for: new blobs, new names, groups of another version."""

from pyspark.sql import Row, SparkSession

from stackspark.scan.request_scans import request_scans

GROUPS = ("text", "shingles")
VERSIONS = {"text": "t2", "shingles": "s1", "languages": "l1"}
BLOBS = [
    ("new", "b.py"), ("new", "a.py"), ("new", "a.py"),
    ("known", "a.py"),
    ("renamed", "a.py"), ("renamed", "z.py"),
    ("stale", "a.py"),
    ("stale_renamed", "a.py"), ("stale_renamed", "b.py"),
    ("relabelled", "a.py"),
]  # fmt: skip
MEASURED = [
    ("known", "t2", "s1"),
    ("renamed", "t2", "s1"),
    ("stale", "t1", "s1"),
    ("stale_renamed", "t2", "s0"),
    ("relabelled", "t2", "s1"),
    ("elsewhere", "t1", "s0"),
]
DETECTED = [
    ("known", "a.py", "l1"),
    ("renamed", "a.py", "l1"),
    ("stale", "a.py", "l1"),
    ("stale_renamed", "a.py", "l1"),
    ("relabelled", "a.py", "l0"),
]


def _requests(spark: SparkSession, measured: list[tuple[str, ...]]) -> list[Row]:
    requests = request_scans(
        spark.createDataFrame(BLOBS, "blob_id string, name string"),
        spark.createDataFrame(
            measured, "blob_id string, text_version string, shingles_version string"
        ),
        spark.createDataFrame(DETECTED, "blob_id string, name string, languages_version string"),
        GROUPS,
        VERSIONS,
    )
    assert requests.columns == ["blob_id", "groups", "name"]
    return sorted(requests.collect(), key=lambda row: (row["blob_id"], row["name"] or ""))


def test_request_scans_asks_for_what_is_new_or_of_another_version(spark: SparkSession) -> None:
    assert [tuple(row) for row in _requests(spark, MEASURED)] == [
        ("new", ["text", "shingles"], "a.py"),
        ("new", [], "b.py"),
        ("relabelled", [], "a.py"),
        ("renamed", [], "z.py"),
        ("stale", ["text"], None),
        ("stale_renamed", ["shingles"], "b.py"),
    ]


def test_request_scans_measures_every_blob_once_in_a_new_lake(spark: SparkSession) -> None:
    measured = [row["blob_id"] for row in _requests(spark, []) if row["groups"]]
    assert sorted(measured) == sorted({blob_id for blob_id, _ in BLOBS})
