"""The directories of an archive's graph, from the roots down, and what is in them at which path.

1. Reach: level by level, each a join of the links with the directories that no level above has. A
   directory is looked at once, however many roots and paths lead to it.
2. The entries of all that was reached are taken out of the archive once, and each entry's content
   is looked up once.
3. Paths: level by level from the roots, along links only, which are few beside the files.
4. Paths and entries meet in one join; before it nothing is as many as the files of all roots.

Cycles, directories that are missing and levels beyond the last one are outcomes, not errors.
"""

from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.errors import InvalidParamsError
from stackspark.lake.scratch import Scratch
from stackspark.ledger.subjects import is_usable_name
from stackspark.sources.base.limits import Limits
from stackspark.sources.swh_graph.count_entries import count_entries
from stackspark.sources.swh_graph.describe_entries import describe_entries
from stackspark.sources.swh_graph.extend_paths import COUNTS, ExtendPathsParams, extend_paths
from stackspark.sources.swh_graph.reach_directories import reach_directories
from stackspark.swhid import EMPTY_DIRECTORY_ID

FEW = 10
"""Directories whose links are looked up one by one; Spark skips rows for no more values."""

ROW = (
    "root_id", "path", "row", "mode", "content_id", "length_bytes", "blob_id", "error_class",
    "message",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class WalkDirectoriesParams:
    """How directories are walked; what is listed depends on both.

    Attributes:
        max_levels: levels of directories, the root's being the first.
        limits: of a root's entries, counted at every path that they have.
    """

    max_levels: int = 64
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.max_levels < 1:
            raise InvalidParamsError(f"the walk needs max_levels > 0; found {self.max_levels}")


@dataclass(frozen=True, kw_only=True)
class Walk:
    """What was found below the roots.

    Attributes:
        roots: one row per `root_id` that can be listed: `num_submodules`.
        rows: files and problems of these roots, the columns of `ROW`; a problem's path may be a
            directory's, with a slash at its end.
        faults: one row per `root_id` of which nothing is listed: `error_class`, `message`.
    """

    roots: DataFrame
    rows: DataFrame
    faults: DataFrame


def walk_directories(
    roots: DataFrame,
    entries: DataFrame,
    contents: DataFrame,
    scratch: Scratch,
    params: WalkDirectoriesParams = WalkDirectoriesParams(),
) -> Walk:
    """Walk the directories below some roots.

    Args:
        roots: `directory_id`, each once.
        entries: `directory_id`, `name` (binary), `type`, `target`, `perms`: the archive's.
        contents: as `describe_entries` takes them: the archive's.
        scratch: for what is found level by level.
        params: depth and limits.
    """
    children = scratch.write(_links(entries).select("directory_id", "child"), "links")
    with scratch.gathered(children, "directory_id") as links:
        reached = _reached(roots, links, scratch, params.max_levels)
    below = scratch.write(entries.join(reached, "directory_id", how="left_semi"), "entries")
    counts = scratch.write(count_entries(below), "entry_counts")
    described = scratch.write(describe_entries(below, contents), "described_entries")
    paths, beyond = _paths(roots, _links(below), counts, scratch, params)
    totals = scratch.write(_totals(paths), "root_totals")
    faults = _faults(totals, params.limits)
    listed = totals.join(faults, "root_id", how="left_anti")
    kept = paths.join(faults, "root_id", how="left_anti")
    problems = [_broken(kept), _cut_off(beyond.join(faults, "root_id", how="left_anti"), params)]
    return Walk(
        roots=listed.select("root_id", "num_submodules"),
        rows=reduce(DataFrame.unionByName, problems, _files(kept, described)),
        faults=faults,
    )


def _links(entries: DataFrame) -> DataFrame:
    is_link = (F.col("type") == "dir") & is_usable_name("name")
    return entries.where(is_link).select("directory_id", "name", F.col("target").alias("child"))


def _reached(roots: DataFrame, links: DataFrame, scratch: Scratch, max_levels: int) -> DataFrame:
    """Every directory of the levels that are listed."""
    level = scratch.write(roots.select("directory_id").distinct(), "reached_0")
    names = ["reached_0"]
    for number in range(1, max_levels):
        above = scratch.read_all(names[:-1], level) if names[:-1] else None
        near = _near(links, level)
        if near is None:
            break
        level = scratch.write(reach_directories(level, above, near), f"reached_{number}")
        names.append(f"reached_{number}")
    return scratch.read_all(names, level)


def _near(links: DataFrame, level: DataFrame) -> DataFrame | None:
    """Links that hold those of a level's directories; None where there are no directories.

    Of a few directories the links are looked up: they lie in order, so that most are not read.
    """
    rows = level.select("directory_id").limit(FEW + 1).collect()
    if not rows:
        return None
    few = [row["directory_id"] for row in rows]
    return links if len(few) > FEW else links.where(F.col("directory_id").isin(few))


def _paths(
    roots: DataFrame,
    links: DataFrame,
    counts: DataFrame,
    scratch: Scratch,
    params: WalkDirectoriesParams,
) -> tuple[DataFrame, DataFrame]:
    """Every path of a directory that is listed, and those one level below the last one."""
    of_children = counts.withColumnRenamed("directory_id", "child")
    stored = scratch.write(links.join(of_children, "child", how="left"), "counted_links")
    limit = ExtendPathsParams(max_members=params.limits.max_members)
    level = scratch.write(_first_paths(roots, counts), "paths_0")
    names = ["paths_0"]
    with scratch.gathered(stored, "directory_id") as counted:
        for number in range(1, params.max_levels + 1):
            near = _near(counted, level)
            if near is None:
                break
            level = scratch.write(extend_paths(level, near, limit), f"paths_{number}")
            if number < params.max_levels:
                names.append(f"paths_{number}")
    return scratch.read_all(names, level), level


def _first_paths(roots: DataFrame, counts: DataFrame) -> DataFrame:
    counted = roots.select("directory_id").distinct().join(counts, "directory_id", how="left")
    return counted.select(
        F.col("directory_id").alias("root_id"),
        F.lit(b"").alias("prefix"),
        "directory_id",
        *COUNTS,
        F.array(F.xxhash64("directory_id")).alias("above"),
        F.lit(False).alias("is_cycle"),
    )


def _is_missing() -> Column:
    """Only the empty tree has no entry: any other directory without one is not in the archive."""
    return F.col("num_entries").isNull() & (F.col("directory_id") != EMPTY_DIRECTORY_ID)


def _totals(paths: DataFrame) -> DataFrame:
    """Count a root's directories and entries at every path, as a walk would meet them."""
    is_met = ~F.col("is_cycle") & ~_is_missing()
    num_met = F.when(is_met, 1 + F.coalesce("num_entries", F.lit(0))).otherwise(0)
    submodules = F.when(is_met, F.coalesce("num_submodules", F.lit(0))).otherwise(0)
    is_root = F.length("prefix") == 0
    return paths.groupBy("root_id").agg(
        F.sum(num_met).alias("num_met"),
        F.sum(submodules).alias("num_submodules"),
        F.max(is_root & _is_missing()).alias("is_missing"),
    )


def _faults(totals: DataFrame, limits: Limits) -> DataFrame:
    is_bomb = F.col("num_met") > limits.max_members
    bomb = f"more than {limits.max_members} entries in the tree"
    is_missing = F.when(F.col("is_missing"), "missing_directory")
    no_entry = F.when(F.col("is_missing"), "the export has no entry of the root directory")
    return totals.where(F.col("is_missing") | is_bomb).select(
        "root_id",
        is_missing.otherwise("tree_bomb").alias("error_class"),
        no_entry.otherwise(bomb).alias("message"),
    )


def _files(paths: DataFrame, described: DataFrame) -> DataFrame:
    open_paths = paths.where(~F.col("is_cycle")).select("root_id", "prefix", "directory_id")
    found = open_paths.join(described, "directory_id", how="inner")
    return found.withColumn("path", F.concat("prefix", "name")).select(*ROW)


def _broken(paths: DataFrame) -> DataFrame:
    is_cycle = F.col("is_cycle")
    error_class = F.when(is_cycle, "directory_cycle").otherwise("missing_directory")
    message = F.when(is_cycle, "the directory is one of those above it; left out").otherwise(
        "the export has no entry of this directory"
    )
    return _problems(paths.where(is_cycle | _is_missing()), error_class, message)


def _cut_off(beyond: DataFrame, params: WalkDirectoriesParams) -> DataFrame:
    message = f"more than {params.max_levels - 1} folders deep; left out"
    deeper = beyond.where(F.col("directory_id") != EMPTY_DIRECTORY_ID)
    return _problems(deeper, F.lit("tree_bomb"), F.lit(message))


def _problems(paths: DataFrame, error_class: Column, message: Column) -> DataFrame:
    none = {
        "mode": "int",
        "content_id": "string",
        "length_bytes": "bigint",
        "blob_id": "string",
    }
    columns = {
        "path": F.col("prefix"),
        "row": F.lit("problem"),
        **{name: F.lit(None).cast(kind) for name, kind in none.items()},
        "error_class": error_class,
        "message": message,
    }
    named = paths.select("root_id", *(value.alias(name) for name, value in columns.items()))
    return named.select(*ROW)
