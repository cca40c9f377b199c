"""Everything that exports publish of a kept file, in one narrow row.

Output: one row per kept file, with the columns of `FILE_COLUMNS`, `REPOSITORY_COLUMNS` and
`METRIC_COLUMNS`; made once, used by every export.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract

_OF_LISTING = {"directory_id", "origin_url", "source", "num_files", "num_submodules"}
REPOSITORY_COLUMNS = (
    "repo_url",
    *(name for name in table_contract("origins").column_names if name not in _OF_LISTING),
)
FILE_COLUMNS = (
    "directory_id",
    "path",
    "filename",
    "extension",
    "blob_id",
    "content_id",
    "length_bytes",
    "is_vendor",
    "is_generated",
    "language",
    "detected_licenses",
    "license_type",
    "src_encoding",
)
METRIC_COLUMNS = {
    "alphanum_fraction": "float",
    "alpha_fraction": "float",
    "num_lines": "int",
    "avg_line_length": "float",
    "max_line_length": "int",
}
"""Metrics that were published, and the types they were published in."""


def describe_files(
    files: DataFrame,
    *,
    origins: DataFrame,
    licenses: DataFrame,
    file_languages: DataFrame,
    measurements: DataFrame,
    contents: DataFrame,
) -> DataFrame:
    """Join what is known of each kept file.

    Args:
        files: the kept rows of `files`.
        origins: as its contract says.
        licenses: as its contract says.
        file_languages: as its contract says.
        measurements: as its contract says.
        contents: as its contract says; only `src_encoding` is read.

    Returns:
        One row per row of `files`; null where something is not known.
    Shuffles: narrow rows, by `directory_id`, (`directory_id`, `path`), (`blob_id`, `name`) and
        twice by `blob_id`.
    """
    repositories = origins.withColumnRenamed("origin_url", "repo_url").select(
        "directory_id", *REPOSITORY_COLUMNS
    )
    languages = file_languages.select(
        "blob_id", "name", "language", F.col("is_generated").alias("is_generated_text")
    )
    metrics = measurements.select(
        "blob_id", *(F.col(name).cast(kind).alias(name) for name, kind in METRIC_COLUMNS.items())
    )
    encodings = contents.select("blob_id", "src_encoding")
    found = licenses.select("directory_id", "path", "detected_licenses", "license_type")
    joined = (
        files.join(encodings, "blob_id", how="left")
        .join(metrics, "blob_id", how="left")
        .join(languages, ["blob_id", "name"], how="left")
        .join(found, ["directory_id", "path"], how="left")
        .join(repositories, "directory_id", how="left")
    )
    generated = F.col("is_generated_path") | F.coalesce("is_generated_text", F.lit(False))
    return (
        joined.withColumn("is_generated", generated)
        .withColumnRenamed("name", "filename")
        .select(*FILE_COLUMNS, *REPOSITORY_COLUMNS, *METRIC_COLUMNS)
    )
