from pyspark.sql import SparkSession

from stackspark.sources.fetching.outcomes import attach_blobs


def test_attach_blobs_leaves_what_was_not_fetched_null(spark: SparkSession) -> None:
    files = spark.createDataFrame(
        [("d", "/a.c", "c1", 7), ("d", "/b.c", "c2", None)],
        "directory_id string, path string, content_id string, length_bytes bigint",
    ).selectExpr(
        "*",
        "cast(null as binary) as path_bytes",
        "'n' as name",
        "'c' as extension",
        "33188 as mode",
        "false as is_vendor",
        "false as is_documentation",
        "false as is_generated_path",
        "false as is_configuration",
    )
    contents = spark.createDataFrame(
        [("c1", "b1", 9)], "content_id string, blob_id string, length_bytes bigint"
    )
    rows = attach_blobs(files, contents).orderBy("path").collect()
    assert [(row.blob_id, row.length_bytes) for row in rows] == [("b1", 9), (None, None)]
