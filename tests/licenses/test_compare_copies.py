"""The same text under other terms elsewhere."""

from hashlib import sha1

from pyspark.sql import SparkSession

from stackspark.contracts.tables import table_contract
from stackspark.licenses.compare_copies import compare_copies

ROWS = [
    # (place, blob, type, conflicts before, flagged)
    ("here", "both", "permissive", [], True),
    ("there", "both", "non_permissive", [], False),
    ("bare", "both", "no_license", ["metadata_against_text"], True),
    ("spaced", "both with blanks", "permissive", [], True),
    ("one", "free", "permissive", [], False),
    ("two", "free", "no_license", [], False),
    ("three", "barred", "non_permissive", [], False),
    ("four", "picture", "permissive", [], True),
    ("five", "picture", "non_permissive", [], False),
    ("gone", None, "permissive", [], False),
]
NORMALIZED = {"both": "b", "both with blanks": "b", "free": "f", "barred": "x"}


def _id(name: str) -> str:
    return sha1(name.encode()).hexdigest()


def test_texts_under_other_terms_elsewhere_are_flagged(spark: SparkSession) -> None:
    licenses = [
        (_id(place), "/a", [], kind, "nothing_declared", [], conflicts)
        for place, _, kind, conflicts, _ in ROWS
    ]
    files = [(_id(place), "/a", blob) for place, blob, *_ in ROWS]
    compared = compare_copies(
        spark.createDataFrame(licenses, table_contract("licenses").ddl),
        spark.createDataFrame(files, "directory_id string, path string, blob_id string"),
        spark.createDataFrame(list(NORMALIZED.items()), "blob_id string, normalized_hash string"),
    )
    columns = table_contract("licenses").columns
    assert compared.dtypes == [(column.name, column.data_type) for column in columns]
    rows = compared.collect()
    assert len(rows) == len(ROWS)
    found = {row.directory_id: row.license_conflicts for row in rows}
    flag = ["other_terms_elsewhere"]
    assert found == {
        _id(place): before + (flag if flagged else []) for place, _, _, before, flagged in ROWS
    }
