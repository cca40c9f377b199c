"""Listed files -> the files of the selected origins, each root directory once.

Output: the columns of `files` that listing knows, and `locator`.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def select_files(
    listed_origins: DataFrame, listed_files: DataFrame, origins: DataFrame
) -> DataFrame:
    """Keep the files of one container per selected root directory.

    Args:
        listed_origins: (`directory_id`, `num_files`, `container`); several containers may hold one
            root.
        listed_files: one row per file of a container, unique by (`container`, `path`).
        origins: the selected origins.

    Returns:
        One row per (`directory_id`, `path`), with `name`, `extension` and `locator`.
    Shuffles: by directory_id, ids only for the origins; a root's containers hold the same files, as
        its id is a hash over them, so any of them will do.
    """
    # An index may list only some files of a root: those that the selected origin counts are meant.
    held = ("directory_id", "num_files")
    chosen = (
        listed_origins.join(origins.select(*held), list(held), how="left_semi")
        .groupBy("directory_id")
        .agg(F.min("container").alias("container"))
    )
    name = F.substring_index("path", "/", -1)
    return (
        listed_files.join(chosen, ["directory_id", "container"], how="left_semi")
        .drop("container")
        .withColumn("name", name)
        .withColumn("extension", F.lower(F.regexp_extract("name", r"(?s)[^.].*\.([^.]*)$", 1)))
    )
