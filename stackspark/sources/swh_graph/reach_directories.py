"""Directories of one level -> those of the next one, each once, whatever leads to it."""

from pyspark.sql import DataFrame


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
    found = links.join(level, "directory_id", how="left_semi")
    return found.select("child").distinct().withColumnRenamed("child", "directory_id")
