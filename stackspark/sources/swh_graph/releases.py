"""Releases and revisions: from the objects that branches point at to root directories."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.sources.base.faults import first_fault

DATES = ("revision_date", "committer_date")


def peel_releases(objects: DataFrame, releases: DataFrame) -> DataFrame:
    """Go one step along tags, from each release to its target.

    Args:
        objects: (`wanted_type`, `wanted`) once, and the `type` and `id` reached so far.
        releases: `id` once, `target_type`, `target`.

    Returns:
        The objects; `id` is null for a release that is missing.
    Shuffles: both sides, by id.
    """
    is_release = F.col("type") == "release"
    targets = releases.select("id", "target_type", "target")
    peeled = (
        objects.where(is_release)
        .join(targets, "id", how="left")
        .select(
            "wanted_type",
            "wanted",
            F.coalesce("target_type", F.lit("release")).alias("type"),
            F.col("target").alias("id"),
        )
    )
    return objects.where(~is_release).unionByName(peeled)


def describe_tips(names: DataFrame, objects: DataFrame, revisions: DataFrame) -> DataFrame:
    """Find the root directory and the dates of each branch.

    Args:
        names: rows of `follow_branches`; an alias among them leads to no end.
        objects: rows of `peel_releases`, for every object that a branch points at.
        revisions: `id` once, `directory_id`, `revision_date`, `committer_date`.

    Returns:
        One row per (`snapshot_id`, `wanted`): `branch_name` (binary), and either `directory_id`,
        `revision_id` (null where a release is of a directory) and dates, or `error_class` and
        `message`.
    Shuffles: objects by id, then names by target.
    """
    is_revision = F.col("type") == "revision"
    is_directory = F.col("type") == "directory"
    directory = F.when(is_revision, F.col("tree_id")).when(is_directory, F.col("id"))
    trees = revisions.withColumnRenamed("directory_id", "tree_id")
    ends = objects.join(trees, "id", how="left").select(
        F.col("wanted_type").alias("target_type"),
        F.col("wanted").alias("target"),
        "type",
        F.when(is_revision, F.col("id")).alias("revision_id"),
        directory.alias("directory_id"),
        *(F.when(is_revision, F.col(name)).alias(name) for name in DATES),
    )
    return names.join(ends, ["target_type", "target"], how="left").select(
        "snapshot_id",
        "wanted",
        F.col("name").alias("branch_name"),
        "revision_id",
        "directory_id",
        *DATES,
        *_fault(),
    )


def _fault() -> tuple[Column, Column]:
    """Class and message of a branch without a directory; null for any other."""
    reached = F.col("type")
    release = "the release that it names, or one below it, is missing"
    cases = (
        (F.col("target_type") == "alias", "alias_loop", "its aliases lead to no end"),
        (reached == "release", "missing_release", release),
        (reached == "revision", "missing_revision", "the revision that it names is missing"),
        (F.lit(True), "unknown_ref", "it names neither a revision nor a directory"),
    )
    is_lost = F.col("directory_id").isNull()
    branch = F.concat(F.lit("branch "), _text("wanted"), F.lit(": "))
    return first_fault(
        *((is_lost & holds, name, F.concat(branch, F.lit(text))) for holds, name, text in cases)
    )


def _text(name: str) -> Column:
    """A binary name as text; bytes that are not UTF-8 are shown as the whole name in hex."""
    text = F.expr(f"try_validate_utf8(cast({name} as string))")
    return F.coalesce(text, F.concat(F.lit("hex:"), F.hex(name)))
