"""Repositories of GitHub, from archived events: their names over time, stars, forks, descriptions.

Source: Lozhkov et al. 2024 (The Stack v2), section 2.1, but by the repository's id instead of its
name, so that a renamed repository keeps its stars; an event counts once, however often it is read.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

COUNTS = {"star_events_count": "star", "fork_events_count": "fork"}
"""Columns of `origins`, and the events that each counts."""

DESCRIBED = {
    "gha_license_id": "license_id",
    "gha_event_created_at": "last_at",
    "gha_created_at": "created_at",
    "gha_updated_at": "updated_at",
    "gha_pushed_at": "pushed_at",
    "gha_language": "language",
}
"""Columns of `origins` and of events; all come from one event, the latest description."""

_URL = (
    r"^(?:[a-z][a-z0-9+.-]*://+)?(?:[^/@]+@)?(?:www\.)?github\.com(?::[0-9]+)?[/:]+"
    r"([^/?#]+/+[^/?#]+?)(?:\.git)?(?:[/?#].*)?$"
)
_NEVER = "9999-01-01"


def list_repository_names(events: DataFrame) -> DataFrame:
    """List the names that each repository had, and when; letter case does not matter.

    Args:
        events: rows of `events.EVENTS`.

    Returns:
        One row per (`name_key`, `github_id`): `name_key` is ``owner/name`` in lower case,
        `first_at` and `last_at` are the first and the last event under it.
    Shuffles: one, of a row per name, repository and partition.
    """
    named = events.where(F.col("full_name").isNotNull())
    return named.groupBy(F.lower("full_name").alias("name_key"), "github_id").agg(
        F.min("first_at").alias("first_at"), F.max("last_at").alias("last_at")
    )


def describe_repositories(events: DataFrame) -> DataFrame:
    """Count the stars and forks of each repository, and take its latest description.

    Args:
        events: rows of `events.EVENTS`; repeats are allowed.

    Returns:
        One row per `github_id`: `star_events_count`, `fork_events_count`, `default_branch` of the
        latest event that names one, and the columns of `DESCRIBED`.
    Shuffles: ids of star and fork events, each by its own id, so that a famous repository is no
        hot key; then one row per repository and partition.
    """
    is_counted = F.col("action").isin(*COUNTS.values())
    once = events.where(is_counted).select("github_id", "action", "event_id").distinct()
    counted = once.groupBy("github_id").agg(
        *(F.count_if(F.col("action") == action).alias(count) for count, action in COUNTS.items())
    )
    described = events.where(~is_counted).groupBy("github_id").agg(*_latest())
    return described.join(counted, "github_id", how="left").select(
        "github_id",
        *_counts(),
        "default_branch",
        *(F.col(f"description.{source}").alias(name) for name, source in DESCRIBED.items()),
    )


def match_repositories(origins: DataFrame, names: DataFrame, repositories: DataFrame) -> DataFrame:
    """Join each origin with the repository that had the name in its URL when it was visited.

    Several repositories may have had one name. Of those that had it by the visit, the one that got
    it last is meant; if none had it yet, the first that ever did.

    Args:
        origins: `origin_url`, `visit_date`, and any other columns but those that are added.
        names: rows of `list_repository_names`.
        repositories: rows of `describe_repositories`.

    Returns:
        The origins, with `github_id`, both counts (0 where unknown), `default_branch` and the
        columns of `DESCRIBED`.
    Shuffles: URLs and visits by name, then ids, then the origins by name.
    """
    keyed = origins.withColumn("name_key", name_key("origin_url")).withColumn(
        "at", F.coalesce("visit_date", F.lit(_NEVER).cast("timestamp"))
    )
    wanted = keyed.where(F.col("name_key").isNotNull()).select("name_key", "at").distinct()
    owners = (
        wanted.join(names, "name_key", how="inner")
        .groupBy("name_key", "at")
        .agg(F.min_by("github_id", _owner_order()).alias("github_id"))
        .join(repositories, "github_id", how="inner")
    )
    return keyed.join(owners, ["name_key", "at"], how="left").select(
        *origins.columns, "github_id", *_counts(), "default_branch", *DESCRIBED
    )


def name_key(url: str) -> Column:
    """``owner/name`` in lower case of a URL at GitHub; null for any other."""
    name = F.regexp_extract(F.lower(url), _URL, 1)
    return F.nullif(F.regexp_replace(name, "/+", "/"), F.lit(""))


def _counts() -> list[Column]:
    return [F.coalesce(count, F.lit(0)).alias(count) for count in COUNTS]


def _latest() -> tuple[Column, Column]:
    """Latest description and default branch; both orders end in the values that are taken."""
    columns, branch = tuple(DESCRIBED.values()), F.col("default_branch")
    order = F.when(F.col("action") == "described", F.struct("last_at", "event_id", *columns))
    branch_order = F.when(branch.isNotNull(), F.struct("last_at", "event_id", branch))
    return (
        F.max_by(F.struct(*columns), order).alias("description"),
        F.max_by(branch, branch_order).alias("default_branch"),
    )


def _owner_order() -> Column:
    """Least for the owner of the name at the time of the visit."""
    is_later = F.col("first_at") > F.col("at")
    distance = F.abs(F.unix_micros("at") - F.unix_micros("first_at"))
    return F.struct(is_later.alias("is_later"), distance.alias("distance"), -F.col("github_id"))
