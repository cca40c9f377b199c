from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract
from stackspark.sources.origins.selection import select_files, select_origins

ROOT = "d" * 40
LISTED = "container string, directory_id string, path string"
BEFORE, AFTER = datetime(2015, 1, 1), datetime(2020, 1, 1)


def listed(spark: SparkSession, *origins: dict[str, Any]) -> DataFrame:
    defaults: dict[str, Any] = {
        "directory_id": ROOT,
        "repo_name": "a/b",
        "source": "swh:test",
        "star_events_count": 0,
        "fork_events_count": 0,
        "num_files": 3,
        "num_submodules": 0,
    }
    contract = table_contract("origins")
    rows = [
        tuple((defaults | origin).get(name) for name in contract.column_names) for origin in origins
    ]
    return spark.createDataFrame(rows, contract.ddl)


PAIRS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    # the licence counts before popularity, and by what it allows, not by its first letter
    ({"gha_license_id": "MIT"}, {"gha_license_id": "AGPL-3.0", "star_events_count": 9}),
    ({"gha_license_id": "mit"}, {"gha_license_id": None, "star_events_count": 9}),
    ({"gha_license_id": None}, {"gha_license_id": "GPL-2.0", "star_events_count": 9}),
    ({"gha_license_id": "NOASSERTION", "star_events_count": 1}, {"gha_license_id": None}),
    ({"star_events_count": 2}, {"star_events_count": 1, "fork_events_count": 9}),
    ({"fork_events_count": 2, "revision_date": AFTER}, {"revision_date": BEFORE}),
    ({"revision_date": BEFORE, "github_id": 9}, {"revision_date": AFTER, "github_id": 1}),
    ({"revision_date": AFTER}, {"revision_date": None}),
    # a clock that was never set is not the oldest revision
    ({"revision_date": AFTER}, {"revision_date": datetime(1970, 1, 1)}),
    ({"revision_date": AFTER}, {"revision_date": datetime(1901, 1, 1)}),
    ({"github_id": 1, "visit_date": AFTER}, {"github_id": 2, "visit_date": BEFORE}),
    ({"github_id": 1}, {"github_id": None}),
    ({"visit_date": BEFORE}, {"visit_date": AFTER}),
    ({"visit_date": BEFORE}, {"visit_date": None}),
]
"""(the one that stays, the one that goes)"""


def test_select_origins_prefers(spark: SparkSession) -> None:
    """Each pair has a root of its own; the worse one has the lesser URL, the last to decide."""
    rows = [
        {"origin_url": url, "directory_id": f"{place:040x}"} | origin
        for place, pair in enumerate(PAIRS)
        for url, origin in zip(("https://b", "https://a"), pair, strict=True)
    ]
    found = select_origins(listed(spark, *rows)).collect()
    assert {int(row.directory_id, 16): row.origin_url for row in found} == dict.fromkeys(
        range(len(PAIRS)), "https://b"
    )


def test_select_origins_ends_in_the_url(spark: SparkSession) -> None:
    names = ["https://c", "https://a", "https://b"]
    rows = select_origins(listed(spark, *({"origin_url": name} for name in names))).collect()
    assert [row.origin_url for row in rows] == ["https://a"]


def test_select_origins_keeps_whole_rows_one_per_root(spark: SparkSession) -> None:
    other = "e" * 40
    rows = select_origins(
        listed(
            spark,
            {"origin_url": "https://a", "star_events_count": 5, "repo_name": "x/y", "num_files": 7},
            {"origin_url": "https://b", "star_events_count": 4, "revision_date": AFTER},
            {"origin_url": "https://c", "directory_id": other},
        )
    )
    assert rows.columns == table_contract("origins").column_names
    found = {row.directory_id: row for row in rows.collect()}
    assert found.keys() == {ROOT, other}
    assert (found[ROOT].origin_url, found[ROOT].repo_name, found[ROOT].num_files) == (
        "https://a",
        "x/y",
        7,
    )
    assert found[ROOT].revision_date is None


def test_select_origins_leaves_out_roots_without_files(spark: SparkSession) -> None:
    empty_tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    rows = listed(
        spark,
        {"origin_url": "https://a", "directory_id": empty_tree, "num_files": 0},
        {"origin_url": "https://b", "num_files": 0, "num_submodules": 2},
    )
    assert select_origins(rows).collect() == []


def test_select_files_takes_one_container_of_a_root(spark: SparkSession) -> None:
    origins = spark.createDataFrame([("d1", 1)], "directory_id string, num_files bigint")
    listed = spark.createDataFrame(
        # An index may list nothing but some files of a root, as the first one does.
        [("0", "d1", 0), ("b", "d1", 1), ("a", "d1", 1), ("c", "d2", 1)],
        "container string, directory_id string, num_files bigint",
    )
    files = spark.createDataFrame(
        [("b", "d1", "/x/A.Py"), ("a", "d1", "/x/A.Py"), ("c", "d2", "/y")], LISTED
    )
    rows = select_files(listed, files, origins).collect()
    assert [row.asDict() for row in rows] == [
        {"directory_id": "d1", "path": "/x/A.Py", "name": "A.Py", "extension": "py"}
    ]


def test_select_files_extension_is_the_last_suffix(spark: SparkSession) -> None:
    names = ["a.tar.GZ", "Makefile", ".gitignore", "x.", "..c", "é.py", "a\nb.txt"]
    expected = ["gz", "", "", "", "", "py", "txt"]
    origins = spark.createDataFrame([("d", 7)], "directory_id string, num_files bigint")
    listed = origins.withColumn("container", F.lit("a"))
    files = spark.createDataFrame([("a", "d", "/" + name) for name in names], LISTED)
    rows = select_files(listed, files, origins).collect()
    assert {row.name: row.extension for row in rows} == dict(zip(names, expected, strict=True))
