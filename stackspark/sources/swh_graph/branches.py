"""Which root directory an archived origin is taken from: visits, branches, aliases, releases.

1. Of each origin the last full visit with a snapshot counts.
2. Its default branch, as the forge told it, is looked up, then HEAD, main and master. Aliases are
   followed, at most five of them.
3. Releases are peeled to a revision or a directory, at most 64 of them.
4. The first name that leads to a directory is the branch.
"""

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.lake.scratch import Scratch
from stackspark.sources.git.repository import MAX_SYMBOLIC_STEPS
from stackspark.sources.git.tree import MAX_TAG_STEPS
from stackspark.sources.swh_graph.choose_branches import choose_branches
from stackspark.sources.swh_graph.describe_tips import describe_tips
from stackspark.sources.swh_graph.follow_branches import follow_branches
from stackspark.sources.swh_graph.list_branch_names import list_branch_names
from stackspark.sources.swh_graph.peel_releases import peel_releases
from stackspark.sources.swh_graph.tables import GraphTables


def find_roots(origins: DataFrame, tables: GraphTables, scratch: Scratch) -> DataFrame:
    """Find the root directory of each origin.

    Args:
        origins: `origin_url` once, `snapshot_id`, `default_branch` (null where unknown).
        tables: of the export.
        scratch: for what is looked up step by step.

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
    tips = describe_tips(followed, objects, tables.revisions)
    return choose_branches(names, tips)


def _followed(names: DataFrame, branches: DataFrame, scratch: Scratch) -> DataFrame:
    pending = names.select("snapshot_id", F.col("name").alias("wanted"), "name").distinct()
    ended = []
    for step in range(MAX_SYMBOLIC_STEPS):
        found = scratch.write(follow_branches(pending, branches), f"followed_{step}")
        is_alias = F.col("target_type") == "alias"
        ended.append(found.where(~is_alias))
        pending = found.where(is_alias).select("snapshot_id", "wanted", "name")
        if pending.isEmpty():
            break
    else:
        ended.append(found.where(is_alias))
    return reduce(DataFrame.unionByName, ended)


def _peeled(followed: DataFrame, releases: DataFrame, scratch: Scratch) -> DataFrame:
    wanted = followed.where(F.col("target_type") != "alias").select("target_type", "target")
    objects = wanted.distinct().select(
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
