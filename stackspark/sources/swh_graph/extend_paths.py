"""Paths of directories of one level x links between directories -> those of the next level."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.errors import InvalidParamsError

COUNTS = ("num_entries", "num_links", "num_submodules")


@dataclass(frozen=True, kw_only=True)
class ExtendPathsParams:
    """`max_members`: a root with more directories at one level is an attack, and goes no deeper."""

    max_members: int = 500_000

    def __post_init__(self) -> None:
        if self.max_members < 1:
            raise InvalidParamsError(
                f"extend_paths needs max_members > 0; found {self.max_members}"
            )


def extend_paths(
    paths: DataFrame, links: DataFrame, params: ExtendPathsParams = ExtendPathsParams()
) -> DataFrame:
    """Go one level down along every path.

    Args:
        paths: (`root_id`, `prefix`) once: the bytes of a directory's path, each name with a slash
            behind it; `directory_id`, the columns of `COUNTS`, `above` (hashes of the directories
            on the way, itself last) and `is_cycle` (it is one of those above itself).
        links: (`directory_id`, `name`) once, `child` and the child's `COUNTS`.
        params: the limit.

    Returns:
        Rows of `paths`, one level deeper; what is a cycle has none below it.
    Shuffles: paths and links by directory, where a directory that many roots share is a hot key of
        the paths, which Spark splits; one number per root and partition.
    """
    crowded = (
        paths.groupBy("root_id")
        .agg(F.sum("num_links").alias("num_links"))
        .where(F.col("num_links") > params.max_members)
    )
    going = paths.where(~F.col("is_cycle")).join(crowded, "root_id", how="left_anti")
    mark = F.xxhash64("child")
    return (
        going.select("root_id", "prefix", "directory_id", "above")
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
