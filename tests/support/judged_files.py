"""Files of known fates, for whatever counts them."""

import pytest
from pyspark.sql import DataFrame, SparkSession

VERDICTS = (
    "directory_id string, path string, blob_id string, language string, length_bytes bigint, "
    "status string, cause string"
)


@pytest.fixture
def verdicts(spark: SparkSession) -> DataFrame:
    rows = [
        ("d1", "/a.py", "b1", "Python", 10, "kept", None),
        ("d2", "/z/a.py", "b1", "Python", 10, "removed", "exact_duplicate"),
        ("d2", "/a.py", "b1", "Python", 10, "removed", "exact_duplicate"),
        ("d3", "/a.py", "b1", "Python", 10, "removed", "license"),
        ("d1", "/b.py", "b2", "Python", 30, "removed", "near_duplicate"),
        ("d3", "/b.py", "b2", "Python", 30, "removed", "exact_duplicate"),
        ("d1", "/c.py", "b3", None, 7, "removed", "near_duplicate"),
        ("d1", "/gone", None, None, None, "quarantined", "quarantined"),
    ]
    return spark.createDataFrame(rows, VERDICTS)


@pytest.fixture
def origins(spark: SparkSession) -> DataFrame:
    rows = [
        ("d1", "o/one", "git:/x", 4),
        ("d2", "o/two", "git:/x", 2),
        ("d3", "o/three", "dir:/y", 2),
    ]
    return spark.createDataFrame(
        rows, "directory_id string, repo_name string, source string, num_files bigint"
    )
