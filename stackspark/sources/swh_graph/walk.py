"""Walk of an archive's graph: the directories below given roots, and their entries at each path.

1. Reach: level by level, each a join of the links with the directories that no level above has. A
   directory is looked up once, however many roots and paths lead to it.
2. The entries of all reached directories are taken out of the archive in one join, and each
   distinct content is looked up once.
3. Paths: level by level from the roots, along links only, which are few beside the files.
4. Paths and entries meet in one join, the only rows that are as many as the files of all roots.

Cycles, missing directories and levels beyond the last one are outcomes, not errors.
"""

from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.lake.scratch import Scratch
from stackspark.sources.base.faults import Case, first_fault
from stackspark.sources.base.limits import Limits, require_positive
from stackspark.sources.swh_graph.directories import COUNTS, extend_paths, reach_directories
from stackspark.sources.swh_graph.entries import count_entries, describe_entries, directory_links
from stackspark.swhid import EMPTY_DIRECTORY_ID

FEW = 10
"""Most directories whose links are looked up by value; with more, Spark skips no row groups."""

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
        require_positive(self, "the walk", ("max_levels",))


@dataclass(frozen=True, kw_only=True)
class Walk:
    """The listing below the roots.

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
        entries: of the archive: `directory_id`, `name` (binary), `type`, `target`, `perms`.
        contents: of the archive, as `describe_entries` takes them.
        scratch: for the tables of each level.
        params: depth and limits.
    """
    children = scratch.write(directory_links(entries).select("directory_id", "child"), "links")
    with scratch.gathered(children, "directory_id") as links:
        reached = _reached(roots, links, scratch, params.max_levels)
    below = scratch.write(entries.join(reached, "directory_id", how="left_semi"), "entries")
    counts = scratch.write(count_entries(below), "entry_counts")
    described = scratch.write(describe_entries(below, contents), "described_entries")
    paths, beyond = _paths(roots, directory_links(below), counts, scratch, params)
    totals = scratch.write(_totals(paths), "root_totals")
    faults = _faults(totals, params.limits)
    listed, usable, too_deep = (
        rows.join(faults, "root_id", how="left_anti") for rows in (totals, paths, beyond)
    )
    problems = _broken(usable).unionByName(_cut_off(too_deep, params))
    return Walk(
        roots=listed.select("root_id", "num_submodules"),
        rows=_files(usable, described).unionByName(problems, allowMissingColumns=True),
        faults=faults,
    )


def _reached(roots: DataFrame, links: DataFrame, scratch: Scratch, max_levels: int) -> DataFrame:
    """Every directory of the levels that are listed; repeats are possible across levels."""
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
    """Links with those of a level's directories among them; None for a level without directories.

    For few directories the links are looked up: they are sorted, so that most are not read.
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
    """Paths of the directories that are listed, and those one level below the last one."""
    of_children = counts.withColumnRenamed("directory_id", "child")
    stored = scratch.write(links.join(of_children, "child", how="left"), "counted_links")
    level = scratch.write(_first_paths(roots, counts), "paths_0")
    names = ["paths_0"]
    with scratch.gathered(stored, "directory_id") as counted:
        for number in range(1, params.max_levels + 1):
            near = _near(counted, level)
            if near is None:
                break
            level = extend_paths(level, near, params.limits.max_members)
            level = scratch.write(level, f"paths_{number}")
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
    none = "the export has no entry of the root directory"
    bomb = f"more than {limits.max_members} entries in the tree"
    fault = first_fault(
        (F.col("is_missing"), "missing_directory", none),
        (F.col("num_met") > limits.max_members, "tree_bomb", bomb),
    )
    return totals.select("root_id", *fault).where(F.col("error_class").isNotNull())


def _files(paths: DataFrame, described: DataFrame) -> DataFrame:
    open_paths = paths.where(~F.col("is_cycle")).select("root_id", "prefix", "directory_id")
    files = open_paths.join(described, "directory_id", how="inner")
    return files.withColumn("path", F.concat("prefix", "name")).select(*ROW)


def _broken(paths: DataFrame) -> DataFrame:
    cycle = "the directory is one of those above it; left out"
    none = "the export has no entry of this directory"
    return _problems(
        paths,
        (F.col("is_cycle"), "directory_cycle", cycle),
        (_is_missing(), "missing_directory", none),
    )


def _cut_off(beyond: DataFrame, params: WalkDirectoriesParams) -> DataFrame:
    message = f"more than {params.max_levels - 1} folders deep; left out"
    deeper = F.col("directory_id") != EMPTY_DIRECTORY_ID
    return _problems(beyond, (deeper, "tree_bomb", message))


def _problems(paths: DataFrame, *cases: Case) -> DataFrame:
    """A row of kind problem for each path with a fault, without the columns of files."""
    row = (F.lit("problem").alias("row"), F.col("prefix").alias("path"))
    faulty = paths.select("root_id", *row, *first_fault(*cases))
    return faulty.where(F.col("error_class").isNotNull())
