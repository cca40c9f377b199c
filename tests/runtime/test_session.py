"""The session of the tests is the one that users get, so its promises are checked on it."""

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from stackspark.runtime import session as session_module
from stackspark.runtime.session import (
    SessionParams,
    machine_memory_bytes,
    num_cores,
    session_settings,
    spark_session,
)
from stackspark.runtime.storage.s3 import PUBLIC_VARIABLE, declare_public


def test_spark_session_returns_the_running_one(spark: SparkSession) -> None:
    assert spark_session(SessionParams(master="local[1]", app_name="other")) is spark


def test_spark_session_has_delta_and_utc(spark: SparkSession) -> None:
    assert spark.conf.get("spark.sql.extensions") == "io.delta.sql.DeltaSparkSessionExtension"
    row = spark.sql("select timestamp'1970-01-01 00:00:00' as t").select(F.unix_timestamp("t"))
    assert row.first()[0] == 0


def test_spark_session_starts_no_page_server(spark: SparkSession) -> None:
    assert spark.sparkContext.uiWebUrl is None


def test_session_settings_bind_local_masters_to_this_machine() -> None:
    local = session_settings(SessionParams(master="local[2]"))
    cluster = session_settings(SessionParams(master="spark://head:7077"))
    assert local["spark.driver.bindAddress"] == "127.0.0.1"
    assert "spark.driver.bindAddress" not in cluster
    assert "spark.driver.memory" not in cluster


def test_session_settings_take_what_the_user_gave() -> None:
    params = SessionParams(
        master="local[2]",
        driver_memory="9g",
        shuffle_partitions=3,
        local_dir="/scratch",
        event_log_dir="/events",
    )
    settings = session_settings(params)
    assert settings["spark.driver.memory"] == "9g"
    assert settings["spark.sql.shuffle.partitions"] == "3"
    assert settings["spark.local.dir"] == "/scratch"
    assert settings["spark.eventLog.dir"] == "/events"


@pytest.mark.parametrize(
    ("params", "has_s3a"),
    [
        (SessionParams(lake="s3a://bucket/lake"), True),
        (SessionParams(lake="/lake", reads_s3=True), True),
        (SessionParams(lake="/lake", opens_s3=True), False),
    ],
)
def test_session_settings_tell_executors_where_the_store_is(
    params: SessionParams, has_s3a: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "eu-west-9")
    monkeypatch.setenv(PUBLIC_VARIABLE, "")
    declare_public(["one.public", "two"])
    settings = session_settings(params)
    assert settings[f"spark.executorEnv.{PUBLIC_VARIABLE}"] == "one.public,two"
    unsigned = {name for name, value in settings.items() if "AnonymousAWS" in value}
    of_bucket = "spark.hadoop.fs.s3a.bucket.{}.aws.credentials.provider"
    assert unsigned == {of_bucket.format(name) for name in ("one.public", "two") if has_s3a}
    assert settings["spark.executorEnv.AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:9"
    assert settings["spark.executorEnv.AWS_REGION"] == "eu-west-9"
    assert ("spark.hadoop.fs.s3a.endpoint" in settings) == has_s3a
    assert "spark.executorEnv.AWS_REGION" not in session_settings(SessionParams(lake="/lake"))


@pytest.mark.parametrize(
    ("gib", "master", "expected"),
    [
        (24, "local[2]", "3072m"),
        (8, "local[16]", "2048m"),
        (256, "local[63]", "65536m"),
        (2, "local[2]", "1024m"),
    ],
)
def test_session_settings_derive_memory_from_cores_and_machine(
    gib: int, master: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "machine_memory_bytes", lambda: gib << 30)
    assert session_settings(SessionParams(master=master))["spark.driver.memory"] == expected


@pytest.mark.parametrize(("master", "expected"), [("local", 1), ("local[3]", 3), ("local[4,2]", 4)])
def test_num_cores_reads_local_masters(master: str, expected: int) -> None:
    assert num_cores(master) == expected


def test_num_cores_of_star_is_what_this_process_may_use() -> None:
    assert num_cores("local[*]") >= 1


def test_machine_memory_bytes_is_plausible() -> None:
    assert 1 << 28 < machine_memory_bytes() < 1 << 50
