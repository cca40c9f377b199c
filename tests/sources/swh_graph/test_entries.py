from pyspark.sql import SparkSession

from stackspark.sources.swh_graph.entries import count_entries, describe_entries, directory_links

ENTRIES = [
    ("d", b"run", "file", "c1", 0o100755),
    ("d", b"link", "file", "c1", 0o120000),
    ("d", b"..", "file", "c1", 0o100644),
    ("d", b"gone", "file", "c9", 0o100644),
    ("d", b"hidden", "file", "c2", 0o100644),
    ("d", b"huge", "file", "c3", 0o100644),
    ("d", b"odd", None, "c1", 0o100644),
    ("d", b"lib", "dir", "e", 0o40000),
    ("d", b"a/b", "dir", "e", 0o40000),
    ("d", b"", "rev", "r", 0o160000),
]


def test_entries_are_links_files_or_have_a_reason(spark: SparkSession) -> None:
    columns = "directory_id string, name binary, type string, target string, perms int"
    entries = spark.createDataFrame(ENTRIES, columns)
    contents = spark.createDataFrame(
        [
            ("c1", None, 1, "hidden", None),
            ("c1", "b1", 1, "visible", None),
            ("c2", "b2", 1, "hidden", None),
            ("c3", None, 1, "skipped", "too large"),
        ],
        "content_id string, blob_id string, length_bytes bigint, status string, reason string",
    )
    links = [(bytes(row["name"]), row["child"]) for row in directory_links(entries).collect()]
    assert links == [(b"lib", "e")]
    assert [tuple(row) for row in count_entries(entries).collect()] == [("d", 10, 1, 1)]
    described = {
        bytes(row["name"]): (row["row"], row["mode"], row["blob_id"], row["error_class"])
        for row in describe_entries(entries, contents).collect()
    }
    assert described == {
        b"run": ("file", 0o100755, "b1", None),
        b"link": ("file", 0o120000, "b1", None),
        b"..": ("problem", 0o100644, None, "unsafe_path"),
        b"gone": ("problem", 0o100644, None, "missing_content"),
        b"hidden": ("problem", 0o100644, "b2", "hidden_content"),
        b"huge": ("problem", 0o100644, None, "skipped_content"),
        b"odd": ("problem", 0o100644, None, "unknown_entry"),
        b"a/b": ("problem", 0o100644, None, "unsafe_path"),
    }
