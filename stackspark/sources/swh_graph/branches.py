"""Branches of an archived origin: which of them its root directory is taken from.

1. The default branch that the forge named is looked up in the snapshot, then HEAD, main and master.
   Aliases are followed, at most five of them.
2. Releases are peeled to a revision or a directory, at most 64 of them.
3. The first name that leads to a directory is the branch.
"""

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.lake.scratch import Scratch
from stackspark.sources.git.repository import MAX_SYMBOLIC_STEPS
from stackspark.sources.git.tree import MAX_TAG_STEPS
from stackspark.sources.swh_graph.releases import describe_tips, peel_releases
from stackspark.sources.swh_graph.tables import GraphTables

NAMES = ("HEAD", "refs/heads/main", "refs/heads/master")
"""Ranks 1, 2 and 3; rank 0 is the default branch of the forge, where it is known."""

TIP = ("branch_name", "revision_id", "directory_id", "revision_date", "committer_date")
FAULT = ("error_class", "message")


def find_roots(origins: DataFrame, tables: GraphTables, scratch: Scratch) -> DataFrame:
    """Find the root directory of each origin.

    Args:
        origins: `origin_url` once, `snapshot_id`, `default_branch` (null where unknown).
        tables: of the export.
        scratch: for the tables of each step.

    Returns:
        One row per origin, as `choose_branches` gives it.
    Shuffles: the branches of the origins' snapshots once, then narrow rows.
    """
    names = scratch.write(list_branch_names(origins), "branch_names")
    snapshots = origins.select("snapshot_id")
    branches = scratch.write(
        tables.branches.join(snapshots, "snapshot_id", how="left_semi"), "branches"
    )
    followed = _followed(names, branches, scratch)
    objects = _peeled(followed, tables.releases, scratch)
    return choose_branches(names, describe_tips(followed, objects, tables.revisions))


def list_branch_names(origins: DataFrame) -> DataFrame:
    """List the names of branches that an origin's files may be taken from, the best first.

    Args:
        origins: `origin_url`, `snapshot_id`, and `default_branch`, null where it is not known.

    Returns:
        One row per origin and name: `origin_url`, `snapshot_id`, `name` (binary) and `rank`, 0 for
        the best.
    Shuffles: none.
    """
    default = F.concat(F.lit("refs/heads/"), "default_branch")
    ranked = F.posexplode(F.array(default, *map(F.lit, NAMES))).alias("rank", "text")
    names = origins.select("origin_url", "snapshot_id", ranked)
    return names.where(F.col("text").isNotNull()).select(
        "origin_url", "snapshot_id", F.encode("text", "utf-8").alias("name"), "rank"
    )


def follow_branches(names: DataFrame, branches: DataFrame) -> DataFrame:
    """Look names up in their snapshots: one step along the aliases.

    Args:
        names: (`snapshot_id`, `wanted`) once, and the `name` reached so far; binary.
        branches: (`snapshot_id`, `name`) once, `target` and `target_type`.

    Returns:
        One row per name that its snapshot has: the columns of `names`, `target_type` and `target`.
        The `name` of an alias is the branch that it stands for.
    Shuffles: both sides, by snapshot and name.
    """
    is_alias = F.col("target_type") == "alias"
    return names.join(branches, ["snapshot_id", "name"], how="inner").select(
        "snapshot_id",
        "wanted",
        F.when(is_alias, F.unhex("target")).otherwise(F.col("name")).alias("name"),
        "target_type",
        "target",
    )


def choose_branches(names: DataFrame, tips: DataFrame) -> DataFrame:
    """Choose the best branch that leads to a directory.

    A branch that its snapshot does not have, or that leads nowhere, gives way to the next one: an
    archive may know a default branch that was renamed since.

    Args:
        names: rows of `list_branch_names`.
        tips: rows of `describe_tips`.

    Returns:
        One row per `origin_url`: the columns of `TIP`, or else those of `FAULT`.
    Shuffles: names and tips by snapshot and name, then by origin.
    """
    known = tips.withColumnRenamed("wanted", "name")
    best = F.when(F.col("directory_id").isNotNull(), F.col("rank"))
    worst = F.when(F.col("error_class").isNotNull(), F.col("rank"))
    chosen = (
        names.join(known, ["snapshot_id", "name"], how="left")
        .groupBy("origin_url")
        .agg(
            F.min_by(F.struct(*TIP), best).alias("tip"),
            F.min_by(F.struct(*FAULT), worst).alias("fault"),
        )
    )
    is_lost = F.col("tip").isNull()
    none = "the snapshot has neither HEAD nor a branch main or master"
    otherwise = zip(FAULT, ("unknown_ref", none), strict=True)
    faults = (
        F.when(is_lost, F.coalesce(f"fault.{name}", F.lit(text))).alias(name)
        for name, text in otherwise
    )
    return chosen.select("origin_url", "tip.*", *faults)


def _followed(names: DataFrame, branches: DataFrame, scratch: Scratch) -> DataFrame:
    pending = names.select("snapshot_id", F.col("name").alias("wanted"), "name").distinct()
    is_alias = F.col("target_type") == "alias"
    ended = []
    for step in range(MAX_SYMBOLIC_STEPS):
        followed = scratch.write(follow_branches(pending, branches), f"followed_{step}")
        ended.append(followed.where(~is_alias))
        pending = followed.where(is_alias).select("snapshot_id", "wanted", "name")
        if pending.isEmpty():
            break
    else:
        ended.append(followed.where(is_alias))
    return reduce(DataFrame.unionByName, ended)


def _peeled(followed: DataFrame, releases: DataFrame, scratch: Scratch) -> DataFrame:
    targets = followed.where(F.col("target_type") != "alias").select("target_type", "target")
    objects = targets.distinct().select(
        F.col("target_type").alias("wanted_type"),
        F.col("target").alias("wanted"),
        F.col("target_type").alias("type"),
        F.col("target").alias("id"),
    )
    objects = scratch.write(objects, "objects_0")
    for step in range(1, MAX_TAG_STEPS + 1):
        if objects.where((F.col("type") == "release") & F.col("id").isNotNull()).isEmpty():
            break
        objects = scratch.write(peel_releases(objects, releases), f"objects_{step}")
    return objects
