"""Files with what fetching found out -> `files`."""

from pyspark.sql import DataFrame

from stackspark.contracts.tables import table_contract


def attach_blobs(files: DataFrame, contents: DataFrame) -> DataFrame:
    """Put the blob beside the content of each file.

    Args:
        files: the columns of `files` but `blob_id`; `length_bytes` as far as listing knew it.
        contents: what was fetched; the text is not read.

    Returns:
        Rows of `files` in contract order; `blob_id` and `length_bytes` are null where nothing was
        fetched.
    Shuffles: files by content_id, ids and paths only.
    """
    fetched = contents.select("content_id", "blob_id", "length_bytes")
    return (
        files.drop("length_bytes")
        .join(fetched, "content_id", how="left")
        .select(*table_contract("files").column_names)
    )
