from pyspark.sql import SparkSession

from stackspark.sources.published_index.files import choose_indexed_origins, list_indexed_files

ID = "a" * 40
COLUMNS = (
    "directory_id string, repo_name string, repo_url string, path string, content_id string, "
    "blob_id string, length_bytes bigint, github_id bigint"
)


def test_origins_of_an_index_have_a_name_and_a_root(spark: SparkSession) -> None:
    rows = [
        (ID, "a/b", None, "/x", ID, ID, 1, 7),
        (ID, "a/b", None, "/y", ID, ID, 1, 7),
        (ID, "c/d", "https://elsewhere/c/d", "/x", ID, ID, 1, None),
        (ID, "", None, "/x", ID, ID, 1, 8),
        ("no id", "e/f", None, "/x", ID, ID, 1, 9),
        (None, "e/f", None, "/x", ID, ID, 1, 9),
    ]
    origins = choose_indexed_origins(spark.createDataFrame(rows, COLUMNS)).collect()
    assert sorted((row["origin_url"], row["repo_name"], row["github_id"]) for row in origins) == [
        ("https://elsewhere/c/d", "c/d", None),
        ("https://github.com/a/b", "a/b", 7),
    ]


def test_files_of_an_index_have_a_safe_path_and_all_ids(spark: SparkSession) -> None:
    cases = {
        "/lib/a.py": None,
        "/..a": None,
        "/../up": "unsafe_path",
        "/a//b": "unsafe_path",
        "/nul\0": "unsafe_path",
        "relative": "unsafe_path",
        "/half": "invalid_row",
        "/negative": "invalid_row",
    }
    rows = [
        (
            ID,
            "a/b",
            None,
            path,
            ID,
            None if path == "/half" else ID,
            1 - 2 * (path == "/negative"),
            1,
        )
        for path in [*cases, "/lib/a.py"]
    ]
    files = list_indexed_files(spark.createDataFrame(rows, COLUMNS)).collect()
    found = {bytes(row["path"]).decode(): row["error_class"] for row in files}
    assert found == {path.removeprefix("/"): error for path, error in cases.items()}
    assert {row["row"] for row in files if row["error_class"]} == {"problem"}
    assert len(files) == len(cases)
