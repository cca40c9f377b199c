"""Rows of a published index of files -> one row per origin and root directory."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.subjects import is_object_id

FORGE = "https://github.com/"
TOTALS = ("blob_id", "path", "content_id", "length_bytes", "repo_url")


def choose_indexed_origins(files: DataFrame) -> DataFrame:
    """Gather what the rows say of their repositories.

    Args:
        files: one row per file, with what is known of its repository; `repo_url` is null where the
            index is of GitHub only.

    Returns:
        One row per (`origin_url`, `directory_id`), with the other columns of the repository. Rows
        without a name or a root are left out.
    Shuffles: one, by URL and root, after a partial aggregation.
    """
    url = F.coalesce("repo_url", F.concat(F.lit(FORGE), "repo_name"))
    told = [name for name in files.columns if name not in (*TOTALS, "directory_id")]
    named = files.where(has_place())
    whole = F.struct(*told)
    chosen = named.groupBy(url.alias("origin_url"), "directory_id").agg(F.max(whole).alias("told"))
    return chosen.select("origin_url", "directory_id", "told.*")


def has_place() -> Column:
    """Whether a row of an index names its repository and its root; null where one is missing."""
    return is_object_id("directory_id") & (F.length("repo_name") > 0)
