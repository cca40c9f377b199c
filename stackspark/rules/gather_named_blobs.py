"""What rules on a blob under a name look at: language and metrics side by side."""

from pyspark.sql import DataFrame

METRICS = (
    "num_chars",
    "num_lines",
    "avg_line_length",
    "max_line_length",
    "alphanum_fraction",
    "alpha_fraction",
    "generated_marker",
)


def gather_named_blobs(file_languages: DataFrame, measurements: DataFrame) -> DataFrame:
    """Put the metrics of a blob beside what depends on its name.

    Returns:
        One row per (`blob_id`, `name`): `language`, `is_generated`, `visible_chars` and `METRICS`.
    Shuffles: narrow rows, by blob_id.
    """
    named = file_languages.select("blob_id", "name", "language", "is_generated", "visible_chars")
    return named.join(measurements.select("blob_id", *METRICS), "blob_id", how="left")
