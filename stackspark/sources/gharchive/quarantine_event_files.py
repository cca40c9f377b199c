"""What became of files of archived events -> rows of `quarantine` for what could not be read."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract


def quarantine_event_files(files: DataFrame) -> DataFrame:
    """Record files that end too early, and lines that are no event.

    Args:
        files: `source`, `key`, `num_lines`, `num_broken`, `first_broken`, `error_class`, `message`;
            one row per file.

    Returns:
        Rows of `quarantine` in contract order, at most two per file.
    Shuffles: none.
    """
    lines = F.format_string(
        "%d of %d lines are no event, the first one is %s",
        "num_broken",
        "num_lines",
        "first_broken",
    )
    torn = files.where(F.col("error_class").isNotNull())
    broken = files.where(F.col("num_broken") > 0).withColumns(
        {"error_class": F.lit("broken_lines"), "message": lines}
    )
    columns = table_contract("quarantine").column_names
    return torn.unionByName(broken).withColumn("grain", F.lit("entry")).select(*columns)
