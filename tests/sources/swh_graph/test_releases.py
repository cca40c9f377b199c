from pyspark.sql import SparkSession

from stackspark.sources.swh_graph.releases import describe_tips, peel_releases


def test_releases_are_peeled_to_directories_or_a_reason(spark: SparkSession) -> None:
    objects = [
        ("release", "r1", "release", "r1"),
        ("release", "r2", "release", "r2"),
        ("revision", "v1", "revision", "v1"),
        ("revision", "v2", "revision", "v2"),
        ("directory", "d0", "directory", "d0"),
    ]
    columns = "wanted_type string, wanted string, type string, id string"
    table = spark.createDataFrame(objects, columns)
    releases = spark.createDataFrame(
        [("r1", "directory", "d1")], "id string, target_type string, target string"
    )
    revisions = spark.createDataFrame(
        [("v1", "d2", None, None)],
        "id string, directory_id string, revision_date timestamp, committer_date timestamp",
    )
    branches = [("s", b"%d" % n, row[0], row[1]) for n, row in enumerate(objects)]
    branches += [("s", b"5", "alias", "x"), ("s", b"\xff", "content", "c")]
    names = spark.createDataFrame(
        [(snapshot, name, name, kind, target) for snapshot, name, kind, target in branches],
        "snapshot_id string, wanted binary, name binary, target_type string, target string",
    )
    tips = describe_tips(names, peel_releases(table, releases), revisions).collect()
    found = {
        bytes(row["wanted"]): (row["directory_id"], row["revision_id"], row["error_class"])
        for row in tips
    }
    assert found == {
        b"0": ("d1", None, None),
        b"1": (None, None, "missing_release"),
        b"2": ("d2", "v1", None),
        b"3": (None, "v2", "missing_revision"),
        b"4": ("d0", None, None),
        b"5": (None, None, "alias_loop"),
        b"\xff": (None, None, "unknown_ref"),
    }
    (message,) = (row["message"] for row in tips if bytes(row["wanted"]) == b"\xff")
    assert message == "branch hex:FF: it names neither a revision nor a directory"
