"""Requests to fetch contents: those that are new and that nobody opted out, cut into parts."""

from itertools import pairwise

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.subjects import file_subject
from stackspark.sources.fetching.fetch import FetchParams
from stackspark.swhid import SYMLINK_MODE
from stackspark.texts.decoding.decode import DECODER_VERSION

MAX_PARTS = 4096
"""Commits of one fetch at most: each takes seconds, and a place in the table's log."""

FREE_PARTS = 256
TASK_CONTENTS = 2500
"""Beyond `FREE_PARTS` parts a task gets so many contents of a part at least: else the many tasks of
a large cluster would write more small files than a table's log can carry."""

DERIVED = {
    "measurements": ("blob_id",),
    "file_languages": ("blob_id",),
    "license_texts": ("blob_id",),
    "similarities": ("blob_id", "other_blob_id"),
}
"""Tables that grow with what was measured of texts, and their columns that name a blob."""


def request_contents(
    files: DataFrame, origins: DataFrame, opted_out: DataFrame, contents: DataFrame
) -> DataFrame:
    """Request each new content once.

    Args:
        files: (`directory_id`, `path`, `content_id`, `mode`, `locator`).
        origins: (`directory_id`, `origin_url`) of the files.
        opted_out: (`grain`, `subject_id`) of the origins, files and contents that must not be read.
        contents: `content_id` of the contents that have been fetched.

    Returns:
        One row per content: `content_id`, `locator` of a file that has it, and `other_locator`,
        which is the same where there is one place only. Symbolic links are not requested, as their
        content is a path.
    Shuffles: ids and locators, by content_id.
    """
    of_origins = _subjects(opted_out, "origin", "origin_url")
    refused = origins.join(of_origins, "origin_url", how="left_semi").select("directory_id")
    return (
        files.where(F.col("mode") != SYMLINK_MODE)
        .withColumn("file", file_subject())
        .join(refused, "directory_id", how="left_anti")
        .join(_subjects(opted_out, "file", "file"), "file", how="left_anti")
        .groupBy("content_id")
        .agg(F.min("locator").alias("locator"), F.max("locator").alias("other_locator"))
        .join(_subjects(opted_out, "content", "content_id"), "content_id", how="left_anti")
        .join(contents.select("content_id"), "content_id", how="left_anti")
    )


def outdated_contents(contents: DataFrame) -> DataFrame:
    """Contents whose text an older decoder guessed, or refused: they are fetched again."""
    is_older = F.coalesce("decoder_version", F.lit(1)) < DECODER_VERSION
    is_refused = F.col("status").isin("binary", "undecodable")
    return contents.where(is_older & (is_refused | F.col("encoding_confidence").isNotNull()))


def bucket_requests(requests: DataFrame) -> DataFrame:
    """Sort requests by `bucket`, 0 to `MAX_PARTS` - 1, so that one part is read without the others.

    Args:
        requests: with a `locator`; all of one unit get one bucket.

    Returns:
        The requests with `bucket`; once they are stored, their files are in its order.
    Shuffles: none; each task sorts its own.
    """
    unit = F.xxhash64("locator.kind", "locator.location", "locator.unit")
    bucket = F.pmod(unit, F.lit(MAX_PARTS)).cast("int")
    return requests.withColumn("bucket", bucket).sortWithinPartitions("bucket")


def fetch_parts(requests: DataFrame, num_requests: int, params: FetchParams) -> list[DataFrame]:
    """Cut requests into parts that are fetched, and committed, one after another.

    Args:
        requests: rows of `bucket_requests`, stored.
        num_requests: how many there are.
        params: size of a part, and how many tasks share it.

    Returns:
        At least one part; each request is in exactly one.
    """
    count = count_parts(num_requests, params)
    bounds = [number * MAX_PARTS // count for number in range(count + 1)]
    bucket = F.col("bucket")
    return [requests.where((bucket >= start) & (bucket < end)) for start, end in pairwise(bounds)]


def count_parts(num_requests: int, params: FetchParams) -> int:
    """Number of parts into which `fetch_parts` cuts `num_requests` requests."""
    most = max(FREE_PARTS, num_requests // (params.num_tasks * TASK_CONTENTS))
    return max(1, min(-(-num_requests // params.part_contents), most, MAX_PARTS))


def _subjects(opted_out: DataFrame, grain: str, column: str) -> DataFrame:
    return opted_out.where(F.col("grain") == grain).select(F.col("subject_id").alias(column))
