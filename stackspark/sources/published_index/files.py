"""Files of a published index, and the origins that have them."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.subjects import is_object_id
from stackspark.sources.base.faults import first_fault
from stackspark.sources.published_index.tables import FILE
from stackspark.swhid import FILE_MODE

FORGE = "https://github.com/"


def choose_indexed_origins(files: DataFrame) -> DataFrame:
    """Take one row per repository and root directory.

    Args:
        files: rows of `read_stack_v2`; `repo_url` is null where the index is of GitHub only.

    Returns:
        One row per (`origin_url`, `directory_id`), with the other columns of the repository. Rows
        without a name or a root are left out.
    Shuffles: one, by URL and root, after a partial aggregation.
    """
    url = F.coalesce("repo_url", F.concat(F.lit(FORGE), "repo_name")).alias("origin_url")
    keys = (*FILE, "repo_url", "directory_id")
    repository = F.struct(*(name for name in files.columns if name not in keys))
    origins = files.where(has_place()).groupBy(url, "directory_id")
    chosen = origins.agg(F.max(repository).alias("repository"))
    return chosen.select("origin_url", "directory_id", "repository.*")


def has_place() -> Column:
    """Whether a row names its repository and its root; null where one is missing."""
    return is_object_id("directory_id") & (F.length("repo_name") > 0)


def list_indexed_files(files: DataFrame) -> DataFrame:
    """List the files of an index, whichever of its repositories have them.

    An index has no modes: every file is an ordinary one.

    Args:
        files: `directory_id`, `path` (with a leading slash), `content_id`, `blob_id`,
            `length_bytes`.

    Returns:
        Rows once: `root_id`, `path` (binary, without the slash), `row` (file or problem), `mode`,
        `content_id`, `length_bytes`, `blob_id`, `error_class`, `message`.
    Shuffles: one, of whole rows.
    """
    # Every name between two slashes, and neither . nor .. nor a NUL in any.
    is_safe = F.rlike("path", F.lit(r"^(?s)(?:/(?!\.{1,2}(?:/|$))[^/\x00]+)+$"))
    is_whole = is_object_id("content_id") & is_object_id("blob_id") & (F.col("length_bytes") >= 0)
    fault = first_fault(
        (_fails(is_safe), "unsafe_path", "git itself refuses such a name; it is left out"),
        (
            _fails(is_whole),
            "invalid_row",
            "it needs content_id, blob_id and length_bytes; left out",
        ),
    )
    listed = files.where(is_object_id("directory_id")).select(
        F.col("directory_id").alias("root_id"),
        F.encode(F.regexp_replace(F.coalesce("path", F.lit("")), "^/", ""), "utf-8").alias("path"),
        F.when(fault[0].isNull(), "file").otherwise("problem").alias("row"),
        F.lit(FILE_MODE).alias("mode"),
        "content_id",
        F.col("length_bytes").cast("bigint").alias("length_bytes"),
        "blob_id",
        *fault,
    )
    return listed.distinct()


def _fails(condition: Column) -> Column:
    return ~F.coalesce(condition, F.lit(False))
