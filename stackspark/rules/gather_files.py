"""What rules on single files look at: kind of entry, path and licence."""

from pyspark.sql import DataFrame

LICENSE_COLUMNS = ("license_type", "license_reason", "detected_licenses", "license_conflicts")


def gather_files(files: DataFrame, licenses: DataFrame) -> DataFrame:
    """Put the licence of a file beside its entry.

    Returns:
        One row per file: `directory_id`, `path`, `mode`, `is_generated_path` and `LICENSE_COLUMNS`.
    Shuffles: by (directory_id, path).
    """
    entries = files.select("directory_id", "path", "mode", "is_generated_path")
    chosen = licenses.select("directory_id", "path", *LICENSE_COLUMNS)
    return entries.join(chosen, ["directory_id", "path"], how="left")
