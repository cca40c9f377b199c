"""Which contents have to be fetched: those that are new and that nobody opted out.

Output: `content_id` and the `locator` of a file that has it, one row per content, with another
place of it if there is one.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.subjects import file_subject

SYMBOLIC_LINK = 40960
"""Git mode 120000 as a decimal number."""


def request_contents(
    files: DataFrame, origins: DataFrame, opted_out: DataFrame, contents: DataFrame
) -> DataFrame:
    """Ask for each new content once.

    Args:
        files: (`directory_id`, `path`, `content_id`, `mode`, `locator`).
        origins: (`directory_id`, `origin_url`) of the files.
        opted_out: (`grain`, `subject_id`) of the origins, files and contents that must not be read.
        contents: `content_id` of what has been fetched.

    Returns:
        One row per content: `content_id`, `locator`, `other_locator`, which is the same where there
        is one place only. Symbolic links ask for nothing, as their content is a path.
    Shuffles: ids and locators, by content_id.
    """
    of_origins = _subjects(opted_out, "origin", "origin_url")
    refused = origins.join(of_origins, "origin_url", how="left_semi").select("directory_id")
    return (
        files.where(F.col("mode") != SYMBOLIC_LINK)
        .withColumn("file", file_subject())
        .join(refused, "directory_id", how="left_anti")
        .join(_subjects(opted_out, "file", "file"), "file", how="left_anti")
        .groupBy("content_id")
        .agg(F.min("locator").alias("locator"), F.max("locator").alias("other_locator"))
        .join(_subjects(opted_out, "content", "content_id"), "content_id", how="left_anti")
        .join(contents.select("content_id"), "content_id", how="left_anti")
    )


def _subjects(opted_out: DataFrame, grain: str, column: str) -> DataFrame:
    return opted_out.where(F.col("grain") == grain).select(F.col("subject_id").alias(column))
