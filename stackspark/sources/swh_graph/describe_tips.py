"""Branches, the objects at their ends and revisions -> root directory and dates of each branch."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

DATES = ("revision_date", "committer_date")


def describe_tips(names: DataFrame, objects: DataFrame, revisions: DataFrame) -> DataFrame:
    """Find the root directory of each branch.

    Args:
        names: as `follow_branches` gives them; an alias among them leads to no end.
        objects: as `peel_releases` gives them, of all that branches point at.
        revisions: `id` once, `directory_id`, `revision_date`, `committer_date`.

    Returns:
        One row per (`snapshot_id`, `wanted`): `branch_name` (binary), and either `directory_id`,
        `revision_id` (null where a release is of a directory) and dates, or `error_class` and
        `message`.
    Shuffles: objects by id, then names by target.
    """
    found = revisions.withColumnRenamed("directory_id", "of_revision")
    is_revision = F.col("type") == "revision"
    directory = F.when(is_revision, F.col("of_revision")).when(
        F.col("type") == "directory", F.col("id")
    )
    ends = objects.join(found, "id", how="left").select(
        F.col("wanted_type").alias("target_type"),
        F.col("wanted").alias("target"),
        "type",
        F.when(is_revision, F.col("id")).alias("revision_id"),
        directory.alias("directory_id"),
        *(F.when(is_revision, F.col(name)).alias(name) for name in DATES),
    )
    tips = names.join(ends, ["target_type", "target"], how="left")
    error_class, message = _fault()
    return tips.select(
        "snapshot_id",
        "wanted",
        F.col("name").alias("branch_name"),
        "revision_id",
        "directory_id",
        "revision_date",
        "committer_date",
        error_class.alias("error_class"),
        message.alias("message"),
    )


def _fault() -> tuple[Column, Column]:
    """Class and words; null where a directory was found."""
    cases = (
        (F.col("target_type") == "alias", "alias_loop", "its aliases lead to no end"),
        (
            F.col("type") == "release",
            "missing_release",
            "the release that it names, or one below it, is missing",
        ),
        (F.col("type") == "revision", "missing_revision", "the revision that it names is missing"),
        (F.lit(True), "unknown_ref", "it names neither a revision nor a directory"),
    )
    is_well = F.col("directory_id").isNotNull()
    error_class = message = F.when(is_well, None)
    for case, name, words in cases:
        text = F.concat(F.lit("branch "), _shown("wanted"), F.lit(f": {words}"))
        error_class, message = error_class.when(case, name), message.when(case, text)
    return error_class, message


def _shown(name: str) -> Column:
    """A name as text; bytes that are not UTF-8 are shown as the whole name in hex."""
    text = F.expr(f"try_validate_utf8(cast({name} as string))")
    return F.coalesce(text, F.concat(F.lit("hex:"), F.hex(name)))
