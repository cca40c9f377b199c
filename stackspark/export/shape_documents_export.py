"""Rows that the export `documents` is put together from.

Output: one row per file of a document; the export gathers them to one row per document.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

REPOSITORY_COLUMNS = (
    "repo_name",
    "repo_url",
    "snapshot_id",
    "revision_id",
    "directory_id",
    "branch_name",
    "visit_date",
    "revision_date",
    "committer_date",
    "github_id",
    "star_events_count",
    "fork_events_count",
    "gha_license_id",
    "gha_created_at",
    "gha_updated_at",
    "gha_pushed_at",
    "gha_language",
)
FILE_COLUMNS = (
    "blob_id",
    "path",
    "content_id",
    "language",
    "length_bytes",
    "detected_licenses",
    "license_type",
    "src_encoding",
    "is_vendor",
    "is_generated",
    "alphanum_fraction",
    "alpha_fraction",
    "num_lines",
    "avg_line_length",
    "max_line_length",
)


def shape_documents_export(documents: DataFrame, described_files: DataFrame) -> DataFrame:
    """Give each file of a document its place in it and what is published of file and repository.

    Args:
        documents: as its contract says.
        described_files: from `describe_files`.

    Returns:
        One row per file of a document, unique by (`document_id`, `position`): `document_id`,
        `position` from 0, `has_metadata`, `blob_id`, what is published per document (the columns of
        a repository, `num_files`, `part`, `num_parts`), and the struct `file`.
    Shuffles: one, by (`directory_id`, `path`), narrow.
    """
    placed = documents.select(
        "document_id",
        "directory_id",
        "has_metadata",
        "num_files",
        "part",
        "num_parts",
        F.posexplode("files").alias("position", "placed"),
    ).withColumn("path", F.col("placed.path"))
    return placed.join(described_files, ["directory_id", "path"], how="inner").select(
        "document_id",
        "position",
        "has_metadata",
        "blob_id",
        *REPOSITORY_COLUMNS,
        "num_files",
        "part",
        "num_parts",
        F.struct(*FILE_COLUMNS).alias("file"),
    )
