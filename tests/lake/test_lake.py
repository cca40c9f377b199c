"""The lake on local disk: what readers see, what writers start from, and each way to fail."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.contracts.constraints import delta_constraints
from stackspark.contracts.tables import table_contract
from stackspark.errors import ContractError, LakeError
from stackspark.lake.lake import Lake

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def quarantine(spark: SparkSession, *keys: str | None) -> DataFrame:
    rows = [("git:/r", key, "entry", "bad_path", "path is not usable") for key in keys]
    ddl = table_contract("quarantine").ddl.replace("not null", "")
    return spark.createDataFrame(rows, ddl)


def step_row(step: str, status: str = "audited", **versions: int) -> dict[str, Any]:
    return {
        "run_id": "run-1",
        "step": step,
        "fingerprint": "f" * 64,
        "status": status,
        "table_versions": versions,
        "params": "{}",
        "code_version": "0.1.0",
        "started_at": NOON,
        "finished_at": NOON,
        "metrics": "{}",
        "contract_results": "{}",
    }


def publication_row(run_id: str = "run-1", **versions: int) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "recipe": "default",
        "params": "{}",
        "table_versions": versions,
        "fingerprints": {"list": "f" * 64},
        "contract_results": "{}",
    }


def keys(df: DataFrame) -> list[str]:
    return sorted(row["key"] for row in df.select("key").collect())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path))
    lake.create_or_open()
    return lake


def test_create_or_open_marks_the_folder_once(tmp_path: Path) -> None:
    Lake(str(tmp_path)).create_or_open()
    Lake(str(tmp_path)).create_or_open()
    assert json.loads((tmp_path / "_stackspark.json").read_text()) == {"lake_format": 1}


def test_create_or_open_refuses_a_newer_lake(tmp_path: Path) -> None:
    (tmp_path / "_stackspark.json").write_text('{"lake_format": 2}')
    with pytest.raises(LakeError, match="has format 2, this stackspark reads up to 1") as raised:
        Lake(str(tmp_path)).create_or_open()
    assert raised.value.exit_code == 3
    assert "\n" not in str(raised.value)


def test_create_or_open_refuses_a_marker_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "_stackspark.json").write_text("[]")
    with pytest.raises(LakeError, match="not a lake's marker"):
        Lake(str(tmp_path)).create_or_open()


def test_open_refuses_a_folder_that_is_no_lake(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="holds no lake"):
        Lake(str(tmp_path)).open()


def test_create_or_open_names_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LakeError, match="file/lake cannot"):
        Lake(str(tmp_path / "file" / "lake")).create_or_open()


def test_write_makes_one_version_with_constraints_and_counts(
    spark: SparkSession, lake: Lake
) -> None:
    first = lake.write(spark, "quarantine", quarantine(spark, "a", "b"))
    second = lake.write(spark, "quarantine", quarantine(spark, "c"))
    assert (first.version, first.num_rows, second.version, second.num_rows) == (0, 2, 1, 1)
    assert first.num_bytes > 0
    detail = spark.sql(f"describe detail delta.`{lake.table_path('quarantine')}`").first()
    constraints = {
        key.removeprefix("delta.constraints."): sql
        for key, sql in detail["properties"].items()
        if key.startswith("delta.constraints.")
    }
    assert constraints == delta_constraints(table_contract("quarantine"))


def test_write_without_rows_makes_an_empty_version(spark: SparkSession, lake: Lake) -> None:
    written = lake.write(spark, "quarantine", quarantine(spark))
    assert (written.version, written.num_rows) == (0, 0)
    assert keys(lake.read(spark, "quarantine", version=0)) == []


@pytest.mark.parametrize(
    ("key", "rule", "shown"), [("", "key_valid", 'key ""'), (None, "key_required", 'key "null"')]
)
def test_write_stops_at_a_row_that_breaks_a_constraint(
    spark: SparkSession, lake: Lake, key: str | None, rule: str, shown: str
) -> None:
    with pytest.raises(ContractError, match=f"quarantine breaks rule {rule}.*{shown}") as raised:
        lake.write(spark, "quarantine", quarantine(spark, "a", key))
    assert "\n" not in str(raised.value)


def test_write_keeps_constraints_on_append(spark: SparkSession, lake: Lake) -> None:
    version = lake.write(spark, "quarantine", quarantine(spark, "a")).version
    lake.record_step(spark, step_row("list", quarantine=version))()
    with pytest.raises(ContractError, match="key_valid"):
        lake.write(spark, "quarantine", quarantine(spark, ""), mode="append")


def test_write_names_the_columns_of_a_wrong_schema(spark: SparkSession, lake: Lake) -> None:
    wrong = quarantine(spark, "a").select(
        "source", F.lit(1).alias("key"), "grain", "error_class", F.lit("x").alias("text")
    )
    with pytest.raises(ContractError) as raised:
        lake.write(spark, "quarantine", wrong)
    text = str(raised.value)
    assert "message is missing" in text
    assert "text is not in the contract" in text
    assert "key is int, not string" in text


def test_write_names_a_wrong_order(spark: SparkSession, lake: Lake) -> None:
    wrong = quarantine(spark, "a").select("key", "source", "grain", "error_class", "message")
    with pytest.raises(ContractError, match="the order is key, source"):
        lake.write(spark, "quarantine", wrong)


def test_append_starts_from_the_audited_version_after_a_rejected_head(
    spark: SparkSession, lake: Lake
) -> None:
    audited = lake.write(spark, "quarantine", quarantine(spark, "good")).version
    lake.record_step(spark, step_row("list", quarantine=audited))()
    rejected = lake.write(spark, "quarantine", quarantine(spark, "rejected"), mode="append")
    lake.record_step(spark, step_row("fetch", status="failed", quarantine=rejected.version))()

    restarted = Lake(lake.root)
    restarted.create_or_open()
    written = restarted.write(spark, "quarantine", quarantine(spark, "new"), mode="append")
    assert written.num_rows == 1
    assert keys(restarted.read(spark, "quarantine", version=written.version)) == ["good", "new"]


def test_remove_takes_off_the_rows_of_some_keys(spark: SparkSession, lake: Lake) -> None:
    version = lake.write(spark, "quarantine", quarantine(spark, "a", "b", "c")).version
    lake.record_step(spark, step_row("list", quarantine=version))()
    gone = quarantine(spark, "b", "never there").drop("message")
    written = lake.write(spark, "quarantine", gone, mode="remove")
    assert keys(lake.read(spark, "quarantine", version=written.version)) == ["a", "c"]
    assert keys(lake.read(spark, "quarantine", version=version)) == ["a", "b", "c"]


def part_row(minute: int, status: str, **versions: int) -> dict[str, Any]:
    """A row of `runs` for a part, or the end, of a step that came a while after the last one."""
    moment = NOON.replace(minute=minute)
    step = f"fetch, part {minute}" if status == "partial" else "fetch"
    return step_row(step, status, **versions) | {"finished_at": moment}


def test_append_goes_on_from_a_part_until_its_step_ends(spark: SparkSession, lake: Lake) -> None:
    first = lake.write(spark, "quarantine", quarantine(spark, "one"), mode="append").version
    lake.record_step(spark, part_row(1, "partial", quarantine=first))()
    assert lake.base_version(spark, "quarantine") == first
    assert lake.audited_version(spark, "quarantine") is None, "nobody may publish a part"
    lake.write(spark, "quarantine", quarantine(spark, "killed before its record"), mode="append")

    restarted = Lake(lake.root)
    second = restarted.write(spark, "quarantine", quarantine(spark, "two"), mode="append").version
    assert keys(restarted.read(spark, "quarantine", version=second)) == ["one", "two"]
    restarted.record_step(spark, part_row(2, "audited", quarantine=second))()
    assert Lake(lake.root).base_version(spark, "quarantine") == second


def test_parts_of_a_step_that_failed_are_left_behind(spark: SparkSession, lake: Lake) -> None:
    lake.record_step(spark, part_row(1, "audited", quarantine=3))()
    lake.record_step(spark, part_row(2, "partial", quarantine=4))()
    assert lake.base_version(spark, "quarantine") == 4
    lake.record_step(spark, part_row(3, "failed", quarantine=5))()
    assert lake.base_version(spark, "quarantine") == 3
    assert Lake(lake.root).base_version(spark, "quarantine") == 3


def test_base_version_goes_by_versions_where_a_clock_was_set_back(
    spark: SparkSession, lake: Lake
) -> None:
    lake.record_step(spark, part_row(9, "partial", quarantine=4))()
    lake.record_step(spark, part_row(1, "audited", quarantine=5))()
    assert Lake(lake.root).base_version(spark, "quarantine") == 5
    lake.record_step(spark, part_row(0, "partial", quarantine=6))()
    assert Lake(lake.root).base_version(spark, "quarantine") == 6


def test_lost_commits_are_refused_before_their_numbers_are_given_again(
    spark: SparkSession, lake: Lake
) -> None:
    for key in ("a", "b"):
        version = lake.write(spark, "quarantine", quarantine(spark, key)).version
    lake.record_step(spark, step_row("list", quarantine=version))()
    Path(lake.table_path("quarantine"), "_delta_log", f"{version:020}.json").unlink()
    lost = "table quarantine of lake .* its log ends at version 0, version 1 was recorded"
    with pytest.raises(LakeError, match=lost):
        lake.write(spark, "quarantine", quarantine(spark, "c"))
    with pytest.raises(LakeError, match=lost):
        lake.read(spark, "quarantine", version)


def test_append_replaces_a_head_where_no_version_was_audited(
    spark: SparkSession, lake: Lake
) -> None:
    lake.write(spark, "quarantine", quarantine(spark, "rejected"))
    written = lake.write(spark, "quarantine", quarantine(spark, "new"), mode="append")
    assert keys(lake.read(spark, "quarantine", version=written.version)) == ["new"]


def test_audited_step_survives_a_restart_and_needs_its_fingerprint(
    spark: SparkSession, lake: Lake
) -> None:
    lake.record_step(spark, step_row("list", quarantine=3))()
    lake.record_step(spark, step_row("fetch", status="failed", quarantine=4))()
    restarted = Lake(lake.root)
    for opened in (lake, restarted):
        step = opened.audited_step(spark, "list", "f" * 64).asDict()
        assert set(step) == set(table_contract("runs").column_names)
        assert (step["run_id"], step["table_versions"]) == ("run-1", {"quarantine": 3})
    assert restarted.audited_step(spark, "list", "0" * 64) is None
    assert restarted.audited_step(spark, "fetch", "f" * 64) is None
    assert restarted.audited_version(spark, "quarantine") == 3
    assert restarted.audited_version(spark, "files") is None


def test_readers_see_published_versions_only(spark: SparkSession, lake: Lake) -> None:
    first = lake.write(spark, "quarantine", quarantine(spark, "published")).version
    lake.record_step(spark, step_row("list", quarantine=first))()
    lake.publish(spark, publication_row(quarantine=first))
    lake.write(spark, "quarantine", quarantine(spark, "head"))

    reader = Lake(lake.root)
    assert keys(reader.read(spark, "quarantine")) == ["published"]
    assert reader.published(spark).published_at.tzinfo is UTC
    assert reader.published(spark).sequence == 0
    with pytest.raises(LakeError, match=r"run run-1 .* has no table files; it has quarantine"):
        reader.read(spark, "files")


def test_read_refuses_a_lake_without_a_published_run(spark: SparkSession, lake: Lake) -> None:
    with pytest.raises(LakeError, match="no published run"):
        lake.read(spark, "quarantine")


def test_published_names_one_run_exactly(spark: SparkSession, lake: Lake) -> None:
    for version, run_id in enumerate(("run-1", "run-2")):
        written = lake.write(spark, "quarantine", quarantine(spark, run_id))
        lake.record_step(spark, step_row("list", quarantine=written.version))()
        lake.publish(spark, publication_row(run_id, quarantine=version))
    assert lake.published(spark).run_id == "run-2"
    assert lake.published(spark).sequence == 1
    assert lake.published(spark, "run-1").table_versions == {"quarantine": 0}
    assert lake.published(spark, "run-9") is None
    before = Lake(lake.root).published(spark)
    assert before == lake.published(spark)


def test_publish_refuses_a_version_that_was_not_audited(spark: SparkSession, lake: Lake) -> None:
    version = lake.write(spark, "quarantine", quarantine(spark, "a")).version
    lake.record_step(spark, step_row("list", status="failed", quarantine=version))()
    with pytest.raises(ContractError, match="quarantine@v0 has not passed"):
        lake.publish(spark, publication_row(quarantine=version))
    assert Lake(lake.root).published(spark) is None


def test_contents_have_numbered_rows(spark: SparkSession, lake: Lake) -> None:
    row = ("a" * 40, "b" * 40, 2, "ok", "utf-8", None, "x\n", 1)
    contents = spark.createDataFrame([row], table_contract("contents").ddl)
    version = lake.write(spark, "contents", contents).version
    read = lake.read(spark, "contents", version=version)
    assert read.select("blob_id", "_metadata.row_index").first() == ("a" * 40, 0)


def test_lake_under_a_relative_path(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lake = Lake("lake")
    assert lake.table_path("shards") == f"{tmp_path}/lake/tables/shards"
    rows = spark.createDataFrame([], table_contract("shards").ddl)
    assert lake.write(spark, "shards", rows).version == 0
