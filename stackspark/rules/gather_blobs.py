"""What rules on blobs look at: what became of the bytes, and their metrics, without the text."""

from pyspark.sql import DataFrame

METRICS = ("num_chars", "encoded_fraction", "max_encoded_chars", "benchmark_matches")


def gather_blobs(contents: DataFrame, measurements: DataFrame) -> DataFrame:
    """Put the metrics of a blob beside the outcome of its decoding.

    Args:
        contents: one row per blob; the text is not read.
        measurements: one row per blob with text.
    Returns:
        One row per blob: `blob_id`, `status`, `length_bytes` and `METRICS`, null without text.
    Shuffles: narrow rows, by blob_id.
    """
    return contents.select("blob_id", "status", "length_bytes").join(
        measurements.select("blob_id", *METRICS), "blob_id", how="left"
    )
