"""Origins x the branches that they may be taken from -> one branch, and root, per origin."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

TIP = ("branch_name", "revision_id", "directory_id", "revision_date", "committer_date")
FAULT = ("error_class", "message")


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
    return chosen.select(
        "origin_url",
        "tip.*",
        F.when(is_lost, F.coalesce("fault.error_class", F.lit("unknown_ref"))).alias("error_class"),
        F.when(is_lost, F.coalesce("fault.message", F.lit(none))).alias("message"),
    )
