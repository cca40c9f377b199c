"""Contracts as Spark and as Arrow read them."""

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from stackspark.contracts.tables import table_contract, table_names


@pytest.mark.parametrize("name", table_names())
def test_fields_are_what_spark_makes_of_the_same_types(spark: SparkSession, name: str) -> None:
    contract = table_contract(name)
    expected = to_arrow_schema(spark.createDataFrame([], contract.ddl).schema)
    assert [field.name for field in contract.fields()] == expected.names
    for field in contract.fields():
        wanted = expected.field(field.name).type
        if pa.types.is_timestamp(field.type):
            assert field.type == pa.timestamp("us", tz="UTC")
        else:
            assert _plain(field.type) == _plain(wanted), field.name


def test_fields_leave_columns_out() -> None:
    left = [field.name for field in table_contract("quarantine").fields("key", "message")]
    assert left == ["source", "grain", "error_class"]


def _plain(kind: pa.DataType) -> str:
    """A type without what it says of nulls and of the names of entries."""
    return (
        str(kind).replace(" not null", "").replace("element:", "item:").replace(" ('entries')", "")
    )
