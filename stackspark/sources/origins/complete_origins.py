"""Listed origins with the columns that their source does not know."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract

COUNTS = ("star_events_count", "fork_events_count")


def complete_origins(listed_origins: DataFrame) -> DataFrame:
    """Give every column of `origins` to what a source listed.

    Counts that nobody told are 0, anything else is null.

    Returns:
        Rows in contract order.
    """
    columns = []
    for column in table_contract("origins").columns:
        unknown = F.lit(0 if column.name in COUNTS else None).cast(column.data_type)
        is_listed = column.name in listed_origins.columns
        value = F.coalesce(column.name, unknown) if is_listed else unknown
        columns.append(value.alias(column.name))
    return listed_origins.select(*columns)
