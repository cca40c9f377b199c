"""Rows of the export `files`: the columns that The Stack v2 published, in its order.

Output: one row per kept file; the export adds `content` as the last column.
"""

from pyspark.sql import DataFrame

PUBLISHED_COLUMNS = (
    "blob_id",
    "directory_id",
    "path",
    "content_id",
    "detected_licenses",
    "license_type",
    "repo_name",
    "snapshot_id",
    "revision_id",
    "branch_name",
    "visit_date",
    "revision_date",
    "committer_date",
    "github_id",
    "star_events_count",
    "fork_events_count",
    "gha_license_id",
    "gha_event_created_at",
    "gha_created_at",
    "gha_language",
    "src_encoding",
    "language",
    "is_vendor",
    "is_generated",
    "length_bytes",
    "extension",
    "filename",
)


def shape_files_export(described_files: DataFrame) -> DataFrame:
    """Select the published columns of each file.

    Args:
        described_files: from `describe_files`.

    Returns:
        One row per file, unique by (`directory_id`, `path`).
    Shuffles: none.
    """
    return described_files.select(*PUBLISHED_COLUMNS)
