"""Archived events -> one row per repository of GitHub: what they tell of it, whatever its names.

Source: Lozhkov et al. 2024 (The Stack v2), section 2.1, but by the repository's id instead of its
name, so that a renamed repository keeps its stars; an event counts once, however often it is read.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

DESCRIBED = {
    "gha_license_id": "license_id",
    "gha_event_created_at": "last_at",
    "gha_created_at": "created_at",
    "gha_updated_at": "updated_at",
    "gha_pushed_at": "pushed_at",
    "gha_language": "language",
}
"""Columns of `origins` and where they come from; all of one event, the latest that describes."""


def describe_repositories(events: DataFrame) -> DataFrame:
    """Count the stars and forks of each repository, and take its latest description.

    Args:
        events: rows of archived events, repeated ones among them.

    Returns:
        One row per `github_id`: `star_events_count`, `fork_events_count`, `default_branch` as the
        latest event that names one has it, and the columns of `DESCRIBED`.
    Shuffles: ids of star and fork events, each by its own id, so that a famous repository is no
        hot key; then one row per repository and partition.
    """
    actions = ("star", "fork")
    once = (
        events.where(F.col("action").isin(*actions))
        .select("github_id", "action", "event_id")
        .distinct()
    )
    counted = once.groupBy("github_id").agg(*(_counted(action) for action in actions))
    told = events.where(~F.col("action").isin(*actions)).groupBy("github_id").agg(*_latest())
    columns = [F.col(f"about.{source}").alias(name) for name, source in DESCRIBED.items()]
    return told.join(counted, "github_id", how="left").select(
        "github_id",
        *(F.coalesce(f"{action}_events_count", F.lit(0)).alias(f"{action}_events_count")
          for action in actions),
        "default_branch",
        *columns,
    )  # fmt: skip


def _counted(action: str) -> Column:
    return F.count_if(F.col("action") == action).alias(f"{action}_events_count")


def _latest() -> tuple[Column, Column]:
    """Both orders end in all that is taken, so that equal events give equal rows."""
    names = tuple(DESCRIBED.values())
    about = F.when(F.col("action") == "described", F.struct(*names))
    order = F.when(F.col("action") == "described", F.struct("last_at", "event_id", *names))
    branch_order = F.when(
        F.col("default_branch").isNotNull(), F.struct("last_at", "event_id", "default_branch")
    )
    return (
        F.max_by(about, order).alias("about"),
        F.max_by("default_branch", branch_order).alias("default_branch"),
    )
