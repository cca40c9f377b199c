"""Directories of one level -> those of the next one, each once or at each of its paths."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

COUNTS = ("num_entries", "num_links", "num_submodules")


def reach_directories(level: DataFrame, above: DataFrame | None, links: DataFrame) -> DataFrame:
    """Go one level down from the directories that no level above has.

    Args:
        level: `directory_id`, each once.
        above: `directory_id` of all levels above; None at the roots.
        links: (`directory_id`, `child`), several per directory.

    Returns:
        `directory_id` of all children, each once.
    Shuffles: the links, unless the level is small enough to be broadcast, and their children; of
        the levels above only what this level has.
    """
    if above is not None:
        again = above.join(level, "directory_id", how="left_semi")
        level = level.join(again, "directory_id", how="left_anti")
    followed = links.join(level, "directory_id", how="left_semi")
    return followed.select("child").distinct().withColumnRenamed("child", "directory_id")


def extend_paths(paths: DataFrame, links: DataFrame, max_members: int) -> DataFrame:
    """Go one level down along every path.

    Args:
        paths: (`root_id`, `prefix`) once: the bytes of a directory's path, each name with a slash
            behind it; `directory_id`, the columns of `COUNTS`, `above` (hashes of the directories
            on the way, itself last) and `is_cycle` (it is one of those above itself).
        links: (`directory_id`, `name`) once, `child` and the child's `COUNTS`.
        max_members: limit on directories per level; deeper levels of a root that exceeds it are not
            listed, so that a tree of trees that would never end stays small.

    Returns:
        Rows of `paths`, one level deeper; a cycle has none below it.
    Shuffles: paths and links by directory, where a directory that many roots share is a hot key of
        the paths, which Spark splits; one number per root and partition.
    """
    crowded = (
        paths.groupBy("root_id")
        .agg(F.sum("num_links").alias("num_links"))
        .where(F.col("num_links") > max_members)
    )
    extended = paths.where(~F.col("is_cycle")).join(crowded, "root_id", how="left_anti")
    mark = F.xxhash64("child")
    return (
        extended.select("root_id", "prefix", "directory_id", "above")
        .join(links, "directory_id", how="inner")
        .select(
            "root_id",
            F.concat("prefix", "name", F.lit(b"/")).alias("prefix"),
            F.col("child").alias("directory_id"),
            *COUNTS,
            F.concat("above", F.array(mark)).alias("above"),
            F.array_contains("above", mark).alias("is_cycle"),
        )
    )
