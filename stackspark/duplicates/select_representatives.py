"""Survivors -> one file for each blob: the copy that stays where the same bytes occur again.

Source: Lozhkov et al. 2024 (The Stack v2), section 2.3; chosen after every other rule, so that no
content is lost because its best copy is removed, and by licence type, not by GitHub's word alone.
"""

from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.errors import InvalidParamsError
from stackspark.ledger.keep_order import ascending, descending, sane_micros

LICENSE_TYPES = ("permissive", "no_license", "non_permissive")
"""From best to worst; what is unknown comes after."""

Criterion = Literal[
    "license_type",
    "stars",
    "forks",
    "newest_revision",
    "oldest_revision",
    "newest_visit",
    "oldest_visit",
]
"""Criteria of the better copy: the freer licence, more stars, more forks, a date."""

OPPOSITES = (("newest_revision", "oldest_revision"), ("newest_visit", "oldest_visit"))

COLUMNS = ("blob_id", "directory_id", "path", "language", "keep_order")


@dataclass(frozen=True, kw_only=True)
class SelectRepresentativesParams:
    """Which of several copies is the better one, of exact and of near-duplicates alike.

    Attributes:
        criteria: the first decides, each further one where all before it tie.
            What is unknown comes last. Names and hashes have the last word.
        prefer_whole_repositories: a file is as good as its repository: repositories are compared by
            the criteria, with the best licence among their files, then by the number of files that
            compete, then by directory_id. So of two repositories that share files, one keeps them
            all.
    """

    criteria: tuple[Criterion, ...] = (
        "license_type",
        "stars",
        "forks",
        "newest_revision",
        "newest_visit",
    )
    prefer_whole_repositories: bool = False

    def __post_init__(self) -> None:
        if len(set(self.criteria)) < len(self.criteria):
            said = ", ".join(self.criteria)
            raise InvalidParamsError(f"criteria: needed each of them once; found {said}")
        for pair in OPPOSITES:
            if set(pair) <= set(self.criteria):
                raise InvalidParamsError(f"criteria: {pair[0]} leaves {pair[1]} nothing to decide")


def select_representatives(
    file_verdicts: DataFrame,
    licenses: DataFrame,
    origins: DataFrame,
    params: SelectRepresentativesParams = SelectRepresentativesParams(),
) -> DataFrame:
    """Choose the best copy of each blob that survives.

    Better is what `params` say; then the lesser repository name, path and directory.

    Args:
        file_verdicts: one row per file, as `resolve_verdicts` has it; survivors are looked at.
        licenses: `license_type` of (`directory_id`, `path`).
        origins: stars, forks, dates and `repo_name` of `directory_id`.
        params: the order of the copies.
    Returns:
        One row per blob with `COLUMNS`; `language` is that of the chosen file. `keep_order` ranks
        blobs among each other: a struct, ascending is better, unique by its last field `blob_id`.
    Shuffles: survivors by (directory_id, path), by directory_id, then by blob_id after a partial
        aggregation, so that a file copied ten million times makes one row per partition. Whole
        repositories: survivors once more by directory_id, one row per partition and repository.
    """
    survivors = file_verdicts.where(F.col("status") == "survivor").select(
        "directory_id", "path", "blob_id", "language"
    )
    types = licenses.select("directory_id", "path", _license_rank().alias("license_type"))
    licensed = survivors.join(types, ["directory_id", "path"], how="left")
    repositories = _standing(origins)
    if params.prefer_whole_repositories:
        repositories = repositories.join(_candidates(licensed), "directory_id", how="left")
    copies = licensed.join(repositories, "directory_id", how="left")
    rank = _rank(params)
    last = [name for name in ("repo_name", "path", "directory_id") if name not in rank]
    chosen = F.struct(
        "directory_id", "path", "language", F.struct(*rank, "blob_id").alias("keep_order")
    )
    best = copies.groupBy("blob_id").agg(F.min_by(chosen, F.struct(*rank, *last)).alias("best"))
    return best.select("blob_id", *(f"best.{name}" for name in COLUMNS[1:]))


def _standing(origins: DataFrame) -> DataFrame:
    """Each repository's values of the criteria; less is better."""
    revision, visit = sane_micros("revision_date"), sane_micros("visit_date")
    return origins.select(
        "directory_id",
        "repo_name",
        descending(F.col("star_events_count")).alias("stars"),
        descending(F.col("fork_events_count")).alias("forks"),
        descending(revision).alias("newest_revision"),
        ascending(revision).alias("oldest_revision"),
        descending(visit).alias("newest_visit"),
        ascending(visit).alias("oldest_visit"),
    )


def _candidates(licensed: DataFrame) -> DataFrame:
    """The files of each repository that compete: their best licence and, negated, their number."""
    return licensed.groupBy("directory_id").agg(
        F.min("license_type").alias("best_license_type"), (-F.count("*")).alias("num_candidates")
    )


def _rank(params: SelectRepresentativesParams) -> list[str]:
    """Columns by which copies are compared before anything else decides."""
    criteria: list[str] = list(params.criteria)
    if not params.prefer_whole_repositories:
        return criteria
    is_best = {"license_type": "best_license_type"}
    # Of two copies in one repository, the freer one still counts.
    own = [name for name in criteria if name in is_best]
    repository = [is_best.get(name, name) for name in criteria]
    return [*repository, "num_candidates", "directory_id", *own]


def _license_rank() -> Column:
    order = F.array(*map(F.lit, LICENSE_TYPES))
    place = F.array_position(order, F.col("license_type"))
    return F.when(place > 0, place - 1).otherwise(len(LICENSE_TYPES)).cast("int")
