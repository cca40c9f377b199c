from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from stackspark.sources.base.faults import first_fault


def test_first_fault_that_holds_counts_and_null_is_false(spark: SparkSession) -> None:
    rows = [(True, True), (None, True), (False, None), (False, False)]
    faults = first_fault(
        (F.col("a"), "first", F.concat(F.lit("a is "), F.col("a").cast("string"))),
        (F.col("b"), "second", "b holds"),
    )
    found = spark.createDataFrame(rows, "a boolean, b boolean").select(*faults)
    assert found.columns == ["error_class", "message"]
    assert [tuple(row) for row in found.collect()] == [
        ("first", "a is true"),
        ("second", "b holds"),
        (None, None),
        (None, None),
    ]
