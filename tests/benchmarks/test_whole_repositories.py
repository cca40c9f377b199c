from pyspark.sql import SparkSession
from whole_repositories import counted, words


def test_counted_tells_whole_from_partly_and_wholly_removed(spark: SparkSession) -> None:
    files = {"whole": "kk", "part": "krr", "gone": "rr", "other": "kr"}
    rows = [
        (name, "kept" if fate == "k" else "removed")
        for name, fates in files.items()
        for fate in fates
    ]
    row = counted(spark.createDataFrame(rows, "directory_id string, status string"))
    assert (row.whole, row.part, row.gone, row.kept_files, row.part_files) == (1, 2, 1, 4, 2)
    assert words(row).startswith("1 repositories stay whole, 2 lose a part of their files, 1 lose")
