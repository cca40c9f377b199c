"""Each aggregate on a handful of files, with a null among them."""

import pytest
from pyspark.sql import DataFrame, SparkSession

from stackspark.report import aggregates


def test_count_files_counts_every_file_once_with_its_bytes(verdicts: DataFrame) -> None:
    counts = {
        (row.status, row.cause, row.language): (row.num_files, row.size_bytes)
        for row in aggregates.count_files(verdicts).collect()
    }
    assert counts == {
        ("kept", None, "Python"): (1, 10),
        ("removed", "exact_duplicate", "Python"): (3, 50),
        ("removed", "license", "Python"): (1, 10),
        ("removed", "near_duplicate", "Python"): (1, 30),
        ("removed", "near_duplicate", None): (1, 7),
        ("quarantined", "quarantined", None): (1, 0),
    }


def test_count_licenses_totals_count_a_file_of_two_licences_once(spark: SparkSession) -> None:
    files = spark.createDataFrame(
        [
            (["MIT"], "permissive", "kept", 10),
            (["MIT"], "permissive", "removed", 20),
            (["Apache-2.0", "MIT"], "permissive", "kept", 5),
            ([], "no_license", "removed", None),
            (["0BSD"], "permissive", "removed", 1),
        ],
        "detected_licenses array<string>, license_type string, status string, length_bytes bigint",
    )
    rows = [tuple(row) for row in aggregates.count_licenses(files, top=3).collect()]
    assert rows == [
        ("permissive", None, 4, 36, 2, 15, True),
        ("no_license", None, 1, 0, 0, 0, True),
        ("permissive", "MIT", 2, 30, 1, 10, False),
        ("permissive", "Apache-2.0, MIT", 1, 5, 1, 5, False),
        ("no_license", "", 1, 0, 0, 0, False),
        ("permissive", "0BSD", 1, 1, 0, 0, False),
    ]


def test_count_licenses_returns_no_more_sets_than_asked(spark: SparkSession) -> None:
    rows = [([f"L-{place}"], kind, "kept", 1) for place in range(9)
            for kind in ("permissive", "no_license", "non_permissive")]  # fmt: skip
    files = spark.createDataFrame(
        rows,
        "detected_licenses array<string>, license_type string, status string, length_bytes bigint",
    )
    counted = aggregates.count_licenses(files, top=2).collect()
    assert [row.is_total for row in counted] == [True] * 3 + [False] * 2


def test_count_conflicts_counts_files_by_what_speaks_against_them(spark: SparkSession) -> None:
    rows = [
        ("a", "permissive", ["other_terms_elsewhere"], "kept"),
        ("a", "non_permissive", [], "removed"),
        ("b", "permissive", ["github_against_declared", "other_terms_elsewhere"], "removed"),
        ("c", "no_license", [], "kept"),  # stands for a, which is not permissive somewhere
        ("d", "permissive", [], "kept"),  # stands for e, which is permissive everywhere
        (None, "permissive", [], "removed"),
    ]
    files = spark.createDataFrame(
        rows, "blob_id string, license_type string, license_conflicts array<string>, status string"
    )
    near = spark.createDataFrame([("a", "c"), ("e", "d")], "blob_id string, kept_blob_id string")
    assert {tuple(row) for row in aggregates.count_conflicts(files, near).collect()} == {
        ("other_terms_elsewhere", "permissive", 2, 1),
        ("github_against_declared", "permissive", 1, 0),
        ("near_duplicate_elsewhere", "no_license", 1, 1),
    }


def test_count_bins_puts_a_limit_on_an_edge_and_leaves_nulls_out(spark: SparkSession) -> None:
    values = [(0, 0.0), (999, 0.249), (1000, 0.25), (1001, 1.0), (10**9, None)]
    blobs = spark.createDataFrame(values, "max_line_length bigint, alpha_fraction double")
    bins = {(row.metric, row.bin): row.num_blobs for row in aggregates.count_bins(blobs).collect()}
    limit = aggregates.EDGES["max_line_length"].index(1000.0)
    last = len(aggregates.EDGES["max_line_length"]) - 2
    assert bins == {
        ("max_line_length", 0): 1,
        ("max_line_length", limit - 1): 1,
        ("max_line_length", limit): 2,
        ("max_line_length", last): 1,
        ("alpha_fraction", 0): 1,
        ("alpha_fraction", 4): 1,
        ("alpha_fraction", 5): 1,
        ("alpha_fraction", 19): 1,
    }


@pytest.mark.parametrize("metric", aggregates.EDGES)
def test_edges_ascend_and_hold_the_powers_of_ten(metric: str) -> None:
    edges = aggregates.EDGES[metric]
    assert list(edges) == sorted(set(edges))
    assert metric.endswith("_fraction") or {1.0, 10.0, 100.0, 1000.0, 100_000.0} <= set(edges)


def test_count_quarantine_shows_two_different_examples(spark: SparkSession) -> None:
    rows = [("git:/x", key, "content", "corrupt", f"bad {key}") for key in ("k1", "k2", "k3")]
    rows.append(("git:/x", "o", "origin", "not_a_repository", "no .git"))
    quarantine = spark.createDataFrame(
        rows, "source string, key string, grain string, error_class string, message string"
    )
    counted = {row.error_class: row for row in aggregates.count_quarantine(quarantine).collect()}
    assert counted["corrupt"].num_inputs == 3
    assert [example.key for example in counted["corrupt"].examples] == ["k1", "k3"]
    assert [example.message for example in counted["not_a_repository"].examples] == ["no .git"]


def test_count_sources_sums_origins(origins: DataFrame) -> None:
    rows = aggregates.count_sources(origins).collect()
    assert sorted(tuple(row) for row in rows) == [("dir:/y", 1, 2), ("git:/x", 2, 6)]


def test_first_removed_is_the_least_name_that_did_not_opt_out(spark: SparkSession) -> None:
    verdicts = spark.createDataFrame(
        [
            ("/a.py", "d1", "removed", "opt_out"),
            ("/b.py", "d2", "removed", "license"),
            ("/b.py", "d1", "removed", "empty"),
            ("/a.py", "d2", "kept", None),
        ],
        "path string, directory_id string, status string, cause string",
    )
    origins = spark.createDataFrame(
        [("d1", "ada/one"), ("d2", "bob/two")], "directory_id string, repo_name string"
    )
    found = [tuple(row) for row in aggregates.first_removed(verdicts, origins).collect()]
    assert found == [("ada/one", "/b.py")]
    kept = verdicts.where("status = 'kept'")
    assert aggregates.first_removed(kept, origins).collect() == []
