from pyspark.sql import SparkSession

from stackspark.sources.origins.fingerprint_listing import fingerprint_listing, fingerprint_rows

DDL = (
    "kind string, origin struct<container: string, directory_id: string>,"
    " file struct<locator: string, path: string>, quarantine struct<subject: string>"
)
ROWS = [
    ("origin", ("/here#0", "d1"), None, None),
    ("file", None, ("/here/a.py", "/a.py"), None),
    ("file", None, ("/here/b.py", "/b.py"), None),
    ("quarantine", None, None, ("x",)),
]


def test_listing_is_the_same_in_any_parts_and_places(spark: SparkSession) -> None:
    listing = spark.createDataFrame(ROWS, DDL)
    moved = [
        ("origin", ("/there#0", "d1"), None, None),
        ("file", None, ("/there/a.py", "/a.py"), None),
        ("file", None, ("/there/b.py", "/b.py"), None),
        ("quarantine", None, None, ("x",)),
    ]
    prints = {
        tuple(fingerprint_listing(rows).first() or ())
        for rows in (listing, spark.createDataFrame(moved[::-1], DDL).repartition(3))
    }
    assert len(prints) == 1
    assert prints.pop()[0] == 4


def test_every_row_counts_even_twice(spark: SparkSession) -> None:
    listing = spark.createDataFrame(ROWS, DDL)
    less, more = listing.where("kind != 'quarantine'"), listing.union(listing.limit(1))
    prints = [fingerprint_listing(rows).first() for rows in (listing, less, more)]
    assert len(set(prints)) == 3


def test_values_are_not_mixed_up_between_columns(spark: SparkSession) -> None:
    first, second = (
        spark.createDataFrame([row], "a string, b struct<c: string>")
        for row in (("x", (None,)), (None, ("x",)))
    )
    assert fingerprint_rows(first).first() != fingerprint_rows(second).first()
