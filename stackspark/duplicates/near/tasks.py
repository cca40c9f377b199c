"""How many of Spark's tasks a round gets."""

from pyspark.sql import DataFrame

MAX_ITEMS_PER_TASK = 4_000_000
"""Band hashes that one task keeps the heads of: at most 256 MB."""

MIN_ITEMS_PER_TASK = 250_000
"""Bands or pairs that are worth a task: half a second."""


def num_tasks(table: DataFrame, num_items: int) -> int:
    """Tasks for so many bands or pairs: few for a small round, and never too much for one.

    Args:
        table: of the session whose number of shuffle partitions is the limit.
        num_items: bands or pairs.
    """
    parallel = int(table.sparkSession.conf.get("spark.sql.shuffle.partitions") or 200)
    least = -(-num_items // MAX_ITEMS_PER_TASK)
    return max(1, least, min(parallel, -(-num_items // MIN_ITEMS_PER_TASK)))
