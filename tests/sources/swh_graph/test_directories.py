from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from stackspark.sources.swh_graph.directories import extend_paths, reach_directories


def test_reach_directories_follows_each_directory_once(spark: SparkSession) -> None:
    links = spark.createDataFrame(
        [("a", "b"), ("a", "c"), ("b", "c"), ("c", "a"), ("x", "y")],
        "directory_id string, child string",
    )
    level = spark.createDataFrame([("a",), ("b",)], "directory_id string")
    above = spark.createDataFrame([("b",)], "directory_id string")
    assert sorted(reach_directories(level, None, links).collect()) == [("b",), ("c",)]
    assert (
        sorted(reach_directories(level.where("directory_id = 'b'"), above, links).collect()) == []
    )


def test_extend_paths_marks_cycles_and_stops_below_them_and_crowds(spark: SparkSession) -> None:
    columns = (
        "root_id string, prefix binary, directory_id string, num_links bigint, is_cycle boolean"
    )
    paths = [
        ("r", b"", "r", 2, False),
        ("s", b"x/", "r", 1, True),
        ("t", b"", "r", 3, False),
    ]
    table = spark.createDataFrame(paths, columns).withColumns(
        {
            "num_entries": F.lit(1),
            "num_submodules": F.lit(0),
            "above": F.array(F.xxhash64("directory_id")),
        }
    )
    links = spark.createDataFrame(
        [("r", b"me", "r", 1, 2, 0), ("r", b"sub", "q", 4, 5, 6)],
        "directory_id string, name binary, child string, "
        "num_entries int, num_links bigint, num_submodules int",
    )
    rows = extend_paths(table, links, max_members=2).collect()
    found = sorted(
        (
            row["root_id"],
            bytes(row["prefix"]),
            row["directory_id"],
            row["num_links"],
            row["is_cycle"],
        )
        for row in rows
    )
    assert found == [("r", b"me/", "r", 2, True), ("r", b"sub/", "q", 5, False)]
