"""Files x `ledger` -> what became of each file, before duplicates are looked at.

Every file comes out once: removed, with the first cause in the fixed order of rules; quarantined,
where its bytes could not be had; or a survivor.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.subjects import subjects

COLUMNS = (
    "directory_id",
    "path",
    "blob_id",
    "content_id",
    "length_bytes",
    "language",
    "status",
    "cause",
)
"""One row per file; `status` is survivor, removed or quarantined, `cause` a rule or null."""


def resolve_verdicts(
    files: DataFrame, file_languages: DataFrame, origins: DataFrame, ledger: DataFrame
) -> DataFrame:
    """Find the first cause of each file's removal.

    Args:
        files: one row per (`directory_id`, `path`).
        file_languages: `language` of (`blob_id`, `name`).
        origins: `origin_url` of `directory_id`.
        ledger: verdicts at any grain; those of duplicates are not for this stage.
    Returns:
        Rows with `COLUMNS`, one per file.
    Shuffles: the ledger once per grain, reduced to one row per subject before it meets a file;
        files with ids and paths only, by directory, path, content, blob and (blob, name).
    """
    first = ledger.groupBy("grain", "subject_id").agg(
        F.min(F.struct("rule_order", "rule")).alias("first")
    )
    urls = origins.select("directory_id", F.col("origin_url").alias("origin_subject"))
    directories = urls.join(_causes(first, "origin"), "origin_subject", how="inner")
    directories = directories.drop("origin_subject")
    languages = file_languages.select("blob_id", "name", "language")
    columns = ["directory_id", "path", "name", "blob_id", "content_id", "length_bytes"]
    rows = files.select(*columns).join(directories, "directory_id", how="left")
    rows = rows.join(languages, ["blob_id", "name"], how="left")
    for grain, subject in subjects().items():
        causes = _causes(first, grain)
        rows = rows.join(causes, subject == F.col(f"{grain}_subject"), how="left")
    return rows.select(*_columns())


def _causes(first: DataFrame, grain: str) -> DataFrame:
    return first.where(F.col("grain") == grain).select(
        F.col("subject_id").alias(f"{grain}_subject"), F.col("first").alias(f"{grain}_cause")
    )


def _columns() -> list[Column]:
    causes = [F.col(f"{grain}_cause") for grain in ("origin", *subjects())]
    cause = F.least(*causes)["rule"]
    status = (
        F.when(cause.isNotNull(), "removed")
        .when(F.col("blob_id").isNull(), "quarantined")
        .otherwise("survivor")
    )
    values = {"status": status, "cause": cause}
    return [values.get(name, F.col(name)).alias(name) for name in COLUMNS]
