"""Origins x repositories of GitHub: whose name the URL was when the origin was visited."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract

_URL = (
    r"^(?:[a-z][a-z0-9+.-]*://+)?(?:[^/@]+@)?(?:www\.)?github\.com(?::[0-9]+)?[/:]+"
    r"([^/?#]+/+[^/?#]+?)(?:\.git)?(?:[/?#].*)?$"
)
_NEVER = "9999-01-01"
COUNTS = ("star_events_count", "fork_events_count")


def match_repositories(origins: DataFrame, names: DataFrame, repositories: DataFrame) -> DataFrame:
    """Put what events tell of a repository beside each of its origins.

    A name may have been that of several repositories: of those that had it when the origin was
    visited, the one that got it last is meant; if none had it yet, the first that ever did.

    Args:
        origins: `origin_url`, `visit_date`, and any other columns but those that are added.
        names: one row per (`name_key`, `github_id`).
        repositories: one row per `github_id`.

    Returns:
        The origins, with `github_id`, both counts (0 where unknown), `default_branch` and the
        `gha_` columns.
    Shuffles: URLs and visits by name, then ids, then the origins by name.
    """
    columns = origins.columns
    described = [name for name in table_contract("origins").column_names if name.startswith("gha_")]
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
        *columns,
        "github_id",
        *(F.coalesce(count, F.lit(0)).alias(count) for count in COUNTS),
        "default_branch",
        *described,
    )


def name_key(url: str) -> Column:
    """``owner/name`` in lower case of a URL at GitHub; null of any other."""
    found = F.regexp_extract(F.lower(url), _URL, 1)
    return F.nullif(F.regexp_replace(found, "/+", "/"), F.lit(""))


def _owner_order() -> Column:
    """Least for the owner of the name at the time of the visit."""
    is_later = F.col("first_at") > F.col("at")
    distance = F.abs(F.unix_micros("at") - F.unix_micros("first_at"))
    return F.struct(is_later.alias("is_later"), distance.alias("distance"), -F.col("github_id"))
