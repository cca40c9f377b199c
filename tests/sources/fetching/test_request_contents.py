"""Tests of the small stages between listing and fetching."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from stackspark.sources.fetching.attach_blobs import attach_blobs
from stackspark.sources.fetching.request_contents import request_contents
from stackspark.sources.origins.select_files import select_files

LISTED = "container string, directory_id string, path string"
LOCATED = "directory_id string, path string, content_id string, mode int, locator struct<n:int>"


def test_select_files_takes_one_container_of_a_root(spark: SparkSession) -> None:
    origins = spark.createDataFrame([("d1", 1)], "directory_id string, num_files bigint")
    listed = spark.createDataFrame(
        # An index may list nothing but some files of a root, as the first one does.
        [("0", "d1", 0), ("b", "d1", 1), ("a", "d1", 1), ("c", "d2", 1)],
        "container string, directory_id string, num_files bigint",
    )
    files = spark.createDataFrame(
        [("b", "d1", "/x/A.Py"), ("a", "d1", "/x/A.Py"), ("c", "d2", "/y")], LISTED
    )
    rows = select_files(listed, files, origins).collect()
    assert [row.asDict() for row in rows] == [
        {"directory_id": "d1", "path": "/x/A.Py", "name": "A.Py", "extension": "py"}
    ]


def test_select_files_extension_is_the_last_suffix(spark: SparkSession) -> None:
    names = ["a.tar.GZ", "Makefile", ".gitignore", "x.", "..c", "é.py", "a\nb.txt"]
    expected = ["gz", "", "", "", "", "py", "txt"]
    origins = spark.createDataFrame([("d", 7)], "directory_id string, num_files bigint")
    listed = origins.withColumn("container", F.lit("a"))
    files = spark.createDataFrame([("a", "d", "/" + name) for name in names], LISTED)
    rows = select_files(listed, files, origins).collect()
    assert {row.name: row.extension for row in rows} == dict(zip(names, expected, strict=True))


def test_request_contents_asks_once_and_spares_links_known_and_opted_out(
    spark: SparkSession,
) -> None:
    files = spark.createDataFrame(
        [
            ("d", "/a", "c1", 33188, (2,)),
            ("d", "/b", "c1", 33188, (1,)),
            ("d", "/link", "c2", 40960, (3,)),
            ("d", "/known", "c3", 33261, (4,)),
            ("d", "/private", "c4", 33188, (5,)),
            ("d", "/by_id", "c5", 33188, (6,)),
            ("e", "/refused", "c6", 33188, (7,)),
            ("d", "/once", "c7", 33188, (8,)),
        ],
        LOCATED,
    )
    opted_out = spark.createDataFrame(
        [("file", "d/private"), ("content", "c5"), ("origin", "u:e")],
        "grain string, subject_id string",
    )
    origins = spark.createDataFrame(
        [("d", "u:d"), ("e", "u:e")], "directory_id string, origin_url string"
    )
    known = spark.createDataFrame([("c3",)], "content_id string")
    rows = request_contents(files, origins, opted_out, known).sort("content_id").collect()
    found = [(row.content_id, row.locator.n, row.other_locator.n) for row in rows]
    assert found == [("c1", 1, 2), ("c7", 8, 8)]


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
