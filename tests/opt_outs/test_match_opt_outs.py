from dataclasses import astuple, fields

from pyspark.sql import DataFrame, Row, SparkSession

from stackspark.contracts.tables import table_contract
from stackspark.opt_outs.keys import glob_regex, location_key
from stackspark.opt_outs.match_opt_outs import (
    MatchOptOutsParams,
    match_file_opt_outs,
    match_opt_outs,
)
from stackspark.opt_outs.requests import OptOutRequest
from stackspark.rules.catalog import ordered

SCHEMA = ", ".join(f"{field.name} string" for field in fields(OptOutRequest))
D1, D2, D3, D4 = (digit * 40 for digit in "1234")
ORIGINS = [
    ("https://github.com/Acme/Tool", "Acme/Tool", D1, "a" * 40, "c" * 40, 7),
    ("https://github.com/fork/tool", "fork/tool", D1, "a" * 40, None, 8),
    ("https://github.com/acme-new/tool", "acme-new/tool", D2, "b" * 40, None, 7),
    ("https://codeberg.org/acme/tool", "acme/tool", D3, None, None, None),
    ("file:///srv/code", "code", D4, None, None, None),
]


def request(request_id: str, kind: str, value: str) -> OptOutRequest:
    return OptOutRequest(request_id=request_id, kind=kind, value=value)


def path_request(request_id: str, value: str, repository: str | None = None) -> OptOutRequest:
    return OptOutRequest(
        request_id=request_id,
        kind="path",
        value=value,
        repository=repository and location_key(repository),
        pattern=glob_regex(value),
    )


def test_match_opt_outs_covers_origins_and_their_copies(spark: SparkSession) -> None:
    found = matched(spark, [request("r1", "repository", "github.com/acme/tool")])
    assert found == {
        "https://github.com/Acme/Tool": "r1",
        "https://github.com/fork/tool": "r1, copy of https://github.com/Acme/Tool",
        "https://github.com/acme-new/tool": "r1, copy of https://github.com/Acme/Tool",
    }


def test_match_opt_outs_without_copies(spark: SparkSession) -> None:
    requests = [
        request("r2", "owner", "acme"),
        request("r1", "repository", "codeberg.org/acme/tool"),
        request("r3", "swhid", "swh:1:dir:" + D4),
        request("r4", "swhid", "swh:1:rev:" + "b" * 40),
        request("r5", "swhid", "swh:1:rev:" + "f" * 40),
        request("r6", "owner", "srv"),
        path_request("r0", "/x", "fork/tool"),
    ]
    assert matched(spark, requests, covers_copies=False) == {
        "https://github.com/Acme/Tool": "r2",
        "https://codeberg.org/acme/tool": "r1",
        "file:///srv/code": "r3",
        "https://github.com/acme-new/tool": "r4",
    }


def test_match_opt_outs_of_nobody(spark: SparkSession) -> None:
    assert matched(spark, []) == {}


def test_match_file_opt_outs(spark: SparkSession) -> None:
    files = spark.createDataFrame(
        [
            (D1, "/private/a.txt", "a" * 40),
            (D1, "/src/a.c", "b" * 40),
            (D3, "/private/a.txt", "c" * 40),
            (D3, "/keys/me.PEM", "d" * 40),
            (D4, "/copy.c", "b" * 40),
        ],
        "directory_id string, path string, content_id string",
    )
    requests = [
        path_request("r2", "/private/*", "Acme/Tool"),
        path_request("r1", "/private/a.*", "codeberg.org/acme"),
        path_request("r4", "*.pem"),
        path_request("r3", "/keys/*"),
        request("r5", "swhid", "swh:1:cnt:" + "b" * 40),
        request("r6", "swhid", "swh:1:cnt:" + "e" * 40),
        request("r7", "owner", "acme"),
    ]
    rows = match_file_opt_outs(files, origins(spark), table(spark, requests))
    assert {(row.grain, row.subject_id): row.evidence for row in checked(rows)} == {
        ("content", "b" * 40): "r5",
        ("file", D1 + "/private/a.txt"): "r2",
        ("file", D3 + "/private/a.txt"): "r1",
        ("file", D3 + "/keys/me.PEM"): "r3",
    }


def test_match_file_opt_outs_of_nobody(spark: SparkSession) -> None:
    files = spark.createDataFrame(
        [(D1, "/a", "b" * 40)], "directory_id string, path string, content_id string"
    )
    assert checked(match_file_opt_outs(files, origins(spark), table(spark, []))) == []


def matched(
    spark: SparkSession,
    requests: list[OptOutRequest],
    covers_copies: bool = True,
) -> dict[str, str]:
    rows = checked(
        match_opt_outs(
            origins(spark), table(spark, requests), MatchOptOutsParams(covers_copies=covers_copies)
        )
    )
    assert {row.grain for row in rows} <= {"origin"}
    return {row.subject_id: row.evidence for row in rows}


def checked(verdicts: DataFrame) -> list[Row]:
    ledger = ordered(verdicts)
    columns = table_contract("ledger").columns
    assert ledger.dtypes == [(column.name, column.data_type) for column in columns]
    rows = ledger.collect()
    assert all((row.rule, row.rule_order) == ("opt_out", 1) for row in rows)
    assert len({(row.grain, row.subject_id) for row in rows}) == len(rows)
    return rows


def origins(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(
        ORIGINS,
        "origin_url string, repo_name string, directory_id string, revision_id string,"
        " snapshot_id string, github_id long",
    )


def table(spark: SparkSession, requests: list[OptOutRequest]) -> DataFrame:
    return spark.createDataFrame([astuple(item) for item in requests], SCHEMA)
