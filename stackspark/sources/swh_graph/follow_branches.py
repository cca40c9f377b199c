"""Names of branches x branches of snapshots -> what they point at: one step along the aliases."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def follow_branches(names: DataFrame, branches: DataFrame) -> DataFrame:
    """Look names up in their snapshots.

    Args:
        names: (`snapshot_id`, `wanted`) once, and the `name` that it has led to so far; binary.
        branches: (`snapshot_id`, `name`) once, `target` and `target_type`.

    Returns:
        One row per name that its snapshot has: the columns of `names`, `target_type` and `target`.
        Of an alias, `name` is the branch that it stands for.
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
