from pyspark.sql import SparkSession

from stackspark.contracts.tables import table_contract
from stackspark.duplicates.near.record_near_duplicates import (
    RecordNearDuplicatesParams,
    record_near_duplicates,
)
from stackspark.rules.catalog import ordered, rule_order


def test_record_near_duplicates_names_the_twin(spark: SparkSession) -> None:
    rows = [
        ("a" * 40, "b" * 40, 0.83, "estimated", "C", 1),
        ("c" * 40, "b" * 40, 0.71, "exact", "C", 2),
        ("d" * 40, "b" * 40, 1.0, "normalized_text", "C", 0),
        ("e" * 40, "b" * 40, 0.12, "component", "C", 1),
    ]
    near = spark.createDataFrame(rows, table_contract("near_duplicates").ddl)
    limit = RecordNearDuplicatesParams(threshold=0.65)
    ledger = ordered(record_near_duplicates(near, limit))
    columns = table_contract("ledger").columns
    assert ledger.dtypes == [(column.name, column.data_type) for column in columns]
    assert [tuple(row) for row in ledger.orderBy("subject_id").collect()] == [
        ("blob", "a" * 40, *verdict("near_duplicate", 0.83, 0.65)),
        ("blob", "c" * 40, *verdict("near_duplicate", 0.71, 0.65)),
        ("blob", "d" * 40, *verdict("normalized_duplicate", 1.0, 1.0)),
        ("blob", "e" * 40, *verdict("near_duplicate", 0.12, None)),
    ]


def verdict(rule: str, value: float, limit: float | None) -> tuple[object, ...]:
    return (rule, rule_order(rule), "near_duplicates", value, limit, "b" * 40)
