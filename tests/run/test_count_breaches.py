"""Rules across tables, each broken once by planted rows: what keeps them all counts nothing."""

import pytest
from pyspark.sql import DataFrame, SparkSession

from stackspark.run.count_breaches import CountBreachesParams, count_breaches

DDL = {
    "verdicts": "directory_id string, path string, blob_id string, status string, cause string, "
    "kept_directory_id string, kept_path string",
    "files": "directory_id string, path string, name string, blob_id string, content_id string",
    "origins": "directory_id string, origin_url string",
    "licenses": "directory_id string, path string, license_type string",
    "measurements": "blob_id string, benchmark_matches array<struct<benchmark: string>>",
    "ledger": "grain string, subject_id string, rule string, step string",
}
GOOD: dict[str, list[tuple[object, ...]]] = {
    "verdicts": [
        ("d1", "/a", "b1", "kept", None, None, None),
        ("d1", "/copy", "b1", "removed", "exact_duplicate", "d1", "/a"),
        ("d1", "/near", "b2", "removed", "near_duplicate", "d1", "/a"),
        ("d1", "/gpl", "b3", "removed", "license", None, None),
        ("d1", "/gone", None, "quarantined", None, None, None),
        ("d2", "/forked", "b4", "removed", "opt_out", None, None),
    ],
    "files": [
        ("d1", "/a", "a", "b1", "c1"), ("d1", "/copy", "copy", "b1", "c1"),
        ("d1", "/near", "near", "b2", "c2"), ("d1", "/gpl", "gpl", "b3", "c3"),
        ("d1", "/gone", "gone", None, "c5"), ("d2", "/forked", "forked", "b4", "c4"),
    ],
    "origins": [("d1", "https://a/1"), ("d2", "https://a/2")],
    "licenses": [
        ("d1", "/a", "permissive"), ("d1", "/copy", "permissive"), ("d1", "/near", "no_license"),
        ("d1", "/gpl", "non_permissive"), ("d1", "/gone", "permissive"),
    ],
    "measurements": [("b1", [("ignored",)]), ("b2", []), ("b3", [("evals",)]), ("b4", None)],
    "ledger": [
        ("file", "d1/gpl", "license", "filter_licenses"),
        ("blob", "b2", "near_duplicate", "record_near_duplicates"),
        ("named_blob", "b2/near", "alpha_fraction", "filter_letters"),
        ("content", "c5", "opt_out", "match_opt_outs"),
        ("origin", "https://a/2", "opt_out", "match_opt_outs"),
        ("origin", "https://a/never", "opt_out", "list"),
    ],
}  # fmt: skip
BAD: dict[str, tuple[str, tuple[object, ...], str]] = {
    "ledger_subjects_exist": (
        "ledger", ("named_blob", "b2/other", "alpha_fraction", "filter_letters"), "b2/other",
    ),
    "twins_stay": (
        "verdicts", ("d1", "/near2", "b5", "removed", "near_duplicate", "d1", "/copy"), "d1/near2",
    ),
    "kept_licenses_are_allowed": (
        "verdicts", ("d1", "/gpl", "b5", "kept", None, None, None), "d1/gpl",
    ),
    "no_opted_out_origin": ("origins", ("d3", "https://a/never"), "https://a/never"),
    "no_benchmark_text": ("measurements", ("b1", [("evals",)]), "d1/a"),
}  # fmt: skip
PARAMS = CountBreachesParams(ignored_benchmarks=("ignored",))


def _found(spark: SparkSession, rows: dict[str, list[tuple[object, ...]]]) -> dict[str, object]:
    tables: dict[str, DataFrame] = {
        name: spark.createDataFrame(rows[name], ddl).coalesce(1) for name, ddl in DDL.items()
    }
    counted = count_breaches(tables["verdicts"], tables, PARAMS).coalesce(1).collect()
    return {row["rule"]: (row["num_bad"], row["example"]) for row in counted}


def test_tables_that_agree_break_nothing(spark: SparkSession) -> None:
    assert _found(spark, GOOD) == dict.fromkeys(BAD, (0, None))


def test_each_rule_sees_its_planted_breach(spark: SparkSession) -> None:
    planted = {name: list(rows) for name, rows in GOOD.items()}
    for table, row, _ in BAD.values():
        planted[table].append(row)
    assert _found(spark, planted) == {rule: (1, example) for rule, (_, _, example) in BAD.items()}


def test_kept_files_of_an_origin_that_was_matched_later(spark: SparkSession) -> None:
    kept = ("d2", "/forked", "b4", "kept", None, None, None)
    planted = GOOD | {"verdicts": [*GOOD["verdicts"][:-1], kept]}
    planted["licenses"] = [*GOOD["licenses"], ("d2", "/forked", "permissive")]
    assert _found(spark, planted)["no_opted_out_origin"] == (1, "d2/forked")


@pytest.mark.parametrize("twin", [None, "/copy"])
def test_twin_that_is_missing_or_went_itself(spark: SparkSession, twin: str | None) -> None:
    lost = ("d1", "/near", "b2", "removed", "near_duplicate", "d1" if twin else None, twin)
    planted = GOOD | {"verdicts": [lost, *GOOD["verdicts"][:2], *GOOD["verdicts"][3:]]}
    assert _found(spark, planted)["twins_stay"] == (1, "d1/near")
