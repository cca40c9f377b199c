"""Each new content is requested once; parts lose no request, and split no unit."""

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.lake.scratch import Scratch
from stackspark.sources.fetching.fetch import FetchParams
from stackspark.sources.fetching.requests import (
    FREE_PARTS,
    MAX_PARTS,
    bucket_requests,
    count_parts,
    fetch_parts,
    outdated_contents,
    request_contents,
)
from stackspark.texts.decoding.decode import DECODER_VERSION

LOCATED = "directory_id string, path string, content_id string, mode int, locator struct<n:int>"
NUM_REQUESTS, NUM_UNITS = 4000, 300


@pytest.fixture(scope="module")
def requests(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    unit = F.pmod(F.hash("id"), F.lit(NUM_UNITS)).alias("unit")
    locator = F.struct(F.lit("archive").alias("kind"), F.lit("a").alias("location"), unit)
    numbers = spark.range(NUM_REQUESTS).repartition(3)
    rows = numbers.select(F.col("id").alias("content_id"), locator.alias("locator"))
    folder = tmp_path_factory.mktemp("requests")
    return Scratch(folder=str(folder)).write(bucket_requests(rows), "requests")


@pytest.mark.parametrize(("part_contents", "count"), [(NUM_REQUESTS, 1), (600, 7), (1, FREE_PARTS)])
def test_parts_are_the_requests_and_split_no_unit(
    requests: DataFrame, part_contents: int, count: int
) -> None:
    params = FetchParams(part_contents=part_contents)
    parts = fetch_parts(requests, NUM_REQUESTS, params)
    assert len(parts) == count
    numbered = [part.withColumn("part", F.lit(number)) for number, part in enumerate(parts[:16])]
    every = numbered[0]
    for each in numbered[1:]:
        every = every.unionByName(each)
    ids = [row[0] for row in every.select("content_id").collect()]
    assert len(ids) == len(set(ids))
    if count <= 16:
        assert sorted(ids) == list(range(NUM_REQUESTS))
    split = every.groupBy("locator.unit").agg(F.countDistinct("part").alias("parts"))
    assert split.where("parts > 1").count() == 0


@pytest.mark.parametrize(
    ("num_requests", "num_tasks", "count"),
    [
        (200_000, 8, 1),
        (200_001, 8, 2),
        (100_000_000, 8, 500),
        (100_000_000, 4096, FREE_PARTS),
        (3_300_000_000, 4096, 322),
        (3_300_000_000, 8, MAX_PARTS),
        (0, 8, 1),
    ],
)
def test_many_contents_make_many_parts_unless_their_files_would_be_small(
    num_requests: int, num_tasks: int, count: int
) -> None:
    assert count_parts(num_requests, FetchParams(num_tasks=num_tasks)) == count


def test_stored_requests_are_in_the_order_of_their_parts(requests: DataFrame) -> None:
    files = requests.select("bucket", "_metadata.file_path", "_metadata.row_index").collect()
    for path in {row["file_path"] for row in files}:
        rows = sorted(
            (row["row_index"], row["bucket"]) for row in files if row["file_path"] == path
        )
        buckets = [bucket for _, bucket in rows]
        assert buckets == sorted(buckets)


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


def test_contents_that_an_older_decoder_guessed_or_refused_are_outdated(
    spark: SparkSession,
) -> None:
    new, old = DECODER_VERSION, DECODER_VERSION - 1
    rows = [
        ("guessed before", "ok", 0.9, old), ("refused before", "undecodable", None, old),
        ("binary before", "binary", None, old), ("of no version", "undecodable", None, None),
        ("certain before", "ok", None, old), ("guessed now", "ok", 0.9, new),
        ("refused now", "binary", None, new), ("not decoded", "too_large", None, None),
    ]  # fmt: skip
    ddl = "content_id string, status string, encoding_confidence double, decoder_version int"
    found = outdated_contents(spark.createDataFrame(rows, ddl)).collect()
    assert {row.content_id for row in found} == {
        "guessed before", "refused before", "binary before", "of no version",
    }  # fmt: skip
