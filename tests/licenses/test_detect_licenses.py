"""Licence files from their names to rows of `license_texts`, with the built-in detector."""

from collections.abc import Callable
from hashlib import sha1

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from stackspark.contracts.gate import check_table
from stackspark.contracts.tables import table_contract
from stackspark.errors import InvalidParamsError, MissingExtraError
from stackspark.licenses import detect_licenses as module
from stackspark.licenses.detect_licenses import DetectLicensesParams, detect_licenses
from stackspark.licenses.merge_license_texts import merge_license_texts
from stackspark.licenses.request_license_texts import request_license_texts

BUILT_IN = DetectLicensesParams(detector="built_in")
MIT = "MIT License\n\nCopyright (c) 2020 Ada\nCopyright (c) 2020 Ada\nCopyright (c) [year] x\n"
TEXTS = {"mit": MIT, "odd": "You may look at this on Tuesdays.", "blank": " \n"}
STATUSES = {"huge": "too_large", "picture": "binary", "garbled": "undecodable", "known": "ok"}


def _id(name: str) -> str:
    return sha1(name.encode()).hexdigest()


@pytest.fixture(scope="module")
def ask_for(spark: SparkSession) -> Callable[[bool], DataFrame]:
    blobs = [*TEXTS, *STATUSES, "elsewhere"]
    files = [("LICENSE", _id(blob)) for blob in blobs]
    files += [("COPYING", _id("mit")), ("main.c", _id("code")), ("LICENSE", None)]
    files += [("mit.c", _id("mit")), ("main.o", _id("object"))]
    statuses = {**dict.fromkeys(TEXTS, "ok"), **STATUSES, "code": "ok", "object": "binary"}
    contents = [(_id(blob), status) for blob, status in statuses.items()]
    seen = [(_id("known"), "text", "v2"), (_id("mit"), "text", "v1"), (_id("odd"), "header", "v2")]
    return lambda headers: request_license_texts(
        spark.createDataFrame(files, "name string, blob_id string"),
        spark.createDataFrame(contents, "blob_id string, status string"),
        spark.createDataFrame(seen, "blob_id string, part string, detector_version string"),
        "v2",
        headers=headers,
    )


@pytest.fixture(scope="module")
def rows(spark: SparkSession, ask_for: Callable[[bool], DataFrame]) -> dict[str, Row]:
    texts = [(_id(blob), "text", text) for blob, text in TEXTS.items()]
    detected = detect_licenses(
        spark.createDataFrame(texts, "blob_id string, part string, license_text string"),
        BUILT_IN,
        num_tasks=4,
    )
    merged = merge_license_texts(detected, ask_for(False).where("status != 'ok'"), "v2")
    columns = table_contract("license_texts").columns
    assert merged.dtypes == [(column.name, column.data_type) for column in columns]
    assert check_table(merged, table_contract("license_texts"), ()).ok
    return {row.blob_id: row for row in merged.collect()}


def test_request_lists_what_was_not_seen_once(ask_for: Callable[[bool], DataFrame]) -> None:
    wanted = {**dict.fromkeys(TEXTS, "ok"), **STATUSES}
    del wanted["known"]
    texts = {(_id(blob), "text", status) for blob, status in wanted.items()}
    for headers, others in ((False, set()), (True, {(_id("code"), "header", "ok")})):
        rows = [tuple(row) for row in ask_for(headers).collect()]
        assert len(rows) == len(set(rows))
        assert set(rows) == texts | others


def test_every_licence_file_has_an_outcome(rows: dict[str, Row]) -> None:
    assert {name: rows[_id(name)].outcome for name in [*TEXTS, *STATUSES] if name != "known"} == {
        "mit": "detected",
        "odd": "nothing_found",
        "blank": "empty",
        "huge": "too_large",
        "picture": "binary",
        "garbled": "undecodable",
    }
    assert len(rows) == 6


def test_a_row_says_what_the_text_states_and_whose_it_is(rows: dict[str, Row]) -> None:
    row = rows[_id("mit")]
    assert (row.expression, row.method, row.detector_version) == ("MIT", "built_in", "v2")
    assert row.holders == ["Copyright (c) 2020 Ada"]


def test_version_names_the_limits() -> None:
    slow = DetectLicensesParams(max_seconds=7)
    assert slow.version != DetectLicensesParams().version
    assert slow.version.endswith("/7s/1024MiB")


def test_version_names_the_extra_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "scancode_version", lambda: None)
    with pytest.raises(MissingExtraError, match=r"extra licenses.*pip install.*built_in"):
        _ = DetectLicensesParams().version
    assert BUILT_IN.version == "built-in/1"


def test_params_refuse_no_time() -> None:
    with pytest.raises(InvalidParamsError, match="must be positive"):
        DetectLicensesParams(max_seconds=0)
