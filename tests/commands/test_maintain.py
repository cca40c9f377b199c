"""Upkeep of a lake: what is read stays as it is, and only what nobody can read goes."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.commands.maintain import MaintainOptions, Maintenance, maintain_lake
from stackspark.contracts.tables import table_contract
from stackspark.errors import LakeError, LockedError, UsageError
from stackspark.lake.lake import Lake
from stackspark.lake.locks import LakeLock

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def named(spark: SparkSession, *names: str) -> DataFrame:
    """Rows of `file_languages`, a table that grows."""
    rows = [(f"{0:040}", name, "Python", False, None, None, "1") for name in names]
    return spark.createDataFrame(rows, table_contract("file_languages").ddl)


def license_texts(spark: SparkSession, number: int) -> DataFrame:
    """A row of `license_texts`, a table that grows as well."""
    row = (f"{number:040}", "text", "nothing_found", None, None, [], [], "1")
    return spark.createDataFrame([row], table_contract("license_texts").ddl)


def shards(spark: SparkSession, export: str) -> DataFrame:
    row = ("ids", f"shards/ids/{export}/part-0.parquet", 1, 1, "0" * 64, None, {"Python": 1})
    return spark.createDataFrame([row], table_contract("shards").ddl)


class Planted:
    """A lake whose runs each add a name, write an export, and publish."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark, self.lake = spark, Lake(str(root))
        self.lake.create_or_open()
        self.number = 0

    def add(self, name: str, status: str = "audited") -> int:
        rows = named(self.spark, name)
        version = self.lake.write(self.spark, "file_languages", rows, mode="append").version
        self.record("scan", status, file_languages=version)
        return version

    def publish(self, name: str) -> None:
        languages, export = self.add(name), f"export-{name}"
        folder = Path(self.lake.root, "shards", "ids", export)
        folder.mkdir(parents=True)
        (folder / "part-0.parquet").write_text("x")
        written = self.lake.write(self.spark, "shards", shards(self.spark, export)).version
        self.record("export", "audited", shards=written)
        row = {
            "run_id": f"run-{name}", "recipe": "default", "params": "{}", "contract_results": "{}",
            "table_versions": {"file_languages": languages, "shards": written},
            "fingerprints": {"scan": f"{self.number:064}"},
        }  # fmt: skip
        self.lake.publish(self.spark, row)

    def record(self, step: str, status: str, **versions: int) -> None:
        self.number += 1
        row = {
            "run_id": f"run-{self.number}", "step": step, "fingerprint": f"{self.number:064}",
            "status": status, "table_versions": versions, "params": "{}", "code_version": "0",
            "started_at": NOON, "finished_at": NOON.replace(minute=self.number), "metrics": "{}",
            "contract_results": "{}",
        }  # fmt: skip
        self.lake.record_step(self.spark, row)()

    def maintain(self, **options: Any) -> Maintenance:
        done = maintain_lake(MaintainOptions(lake=self.lake.root, quiet=True, **options))
        self.lake = Lake(self.lake.root)
        return done

    def names(self, run_id: str | None = None) -> list[str]:
        publication = self.lake.published(self.spark, run_id)
        assert publication
        version = publication.table_versions["file_languages"]
        rows = self.lake.read(self.spark, "file_languages", version).collect()
        return sorted(row["name"] for row in rows)

    def files(self, name: str) -> int:
        return len(list(Path(self.lake.table_path(name)).glob("*.parquet")))


@pytest.fixture
def planted(spark: SparkSession, tmp_path: Path) -> Planted:
    return Planted(spark, tmp_path / "lake")


def test_maintain_keeps_the_newest_publications_and_what_they_name(planted: Planted) -> None:
    for name in ("a", "b", "c"):
        planted.publish(name)
    planted.add("rejected", status="failed")
    for run_id in ("run-a", "run-b", "run-d"):
        Path(planted.lake.root, "logs", run_id).mkdir(parents=True)
    done = planted.maintain(keep=2, file_bytes=1 << 20)
    assert (done.num_publications, done.num_publications_removed) == (2, 1)
    assert done.compacted == {"file_languages": 3}
    assert done.exports_removed == ("shards/ids/export-a",)
    assert planted.names() == ["a", "b", "c"]
    assert planted.names("run-b") == ["a", "b"]
    assert planted.lake.published(planted.spark, "run-a") is None
    # a, b and c as they were written, and joined; the shards of b and c.
    assert planted.files("file_languages") == 4
    assert planted.files("shards") == 2
    assert done.num_files_removed >= 2
    logs = Path(planted.lake.root, "logs").iterdir()
    assert sorted(path.name for path in logs) == ["run-b", "run-d"]
    known = planted.lake.base_version(planted.spark, "file_languages")
    assert planted.lake.read(planted.spark, "file_languages", known).count() == 3


@pytest.mark.integration
def test_maintain_again_finds_nothing(planted: Planted) -> None:
    planted.publish("a")
    planted.publish("b")
    planted.maintain(keep=1)
    done = planted.maintain(keep=1)
    assert (done.compacted, done.num_publications_removed, done.exports_removed) == ({}, 0, ())
    assert planted.names() == ["a", "b"]
    planted.publish("c")
    assert planted.names() == ["a", "b", "c"]


@pytest.mark.integration
def test_maintain_keeps_the_parts_that_a_killed_run_goes_on_from(planted: Planted) -> None:
    planted.publish("a")
    part = planted.add("part", status="partial")
    done = planted.maintain(keep=1)
    assert done.compacted == {}
    assert planted.lake.base_version(planted.spark, "file_languages") == part
    assert planted.lake.num_parts(planted.spark, f"{3:064}") == 1
    planted.publish("b")
    assert planted.names() == ["a", "b", "part"]


def test_maintain_keeps_parts_of_every_table_that_grows(planted: Planted) -> None:
    """A run was killed between the parts of its scan; the next one reads what they hold."""
    spark, lake = planted.spark, planted.lake
    for number, status in ((1, "audited"), (2, "partial")):
        written = lake.write(spark, "license_texts", license_texts(spark, number), mode="append")
        planted.record("scan", status, license_texts=written.version)
    planted.maintain(keep=1)
    base = planted.lake.base_version(spark, "license_texts")
    assert planted.lake.read(spark, "license_texts", base).count() == 2


@pytest.mark.integration
def test_maintain_forgets_steps_whose_files_are_gone(planted: Planted) -> None:
    planted.publish("a")
    planted.publish("b")
    planted.maintain(keep=1)
    spark = planted.spark
    assert planted.lake.audited_step(spark, "scan", f"{1:064}") is None
    assert planted.lake.audited_step(spark, "scan", f"{3:064}") is not None


@pytest.mark.integration
def test_maintain_migrates_what_it_can_and_refuses_the_rest(planted: Planted) -> None:
    planted.publish("a")
    spark, path = planted.spark, planted.lake.table_path("file_languages")
    older = spark.read.format("delta").load(path).drop("visible_chars")
    older = older.withColumn("gone", F.lit(1))
    writer = older.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    writer.save(path)
    planted.record("scan", "audited", file_languages=1)
    with pytest.raises(LakeError, match=r"visible_chars is missing; gone is not .* maintain"):
        Lake(planted.lake.root).read(spark, "file_languages", 1)
    assert planted.maintain().migrated == ("file_languages",)
    version = planted.lake.base_version(spark, "file_languages")
    (row,) = planted.lake.read(spark, "file_languages", version).collect()
    assert (row["name"], row["visible_chars"]) == ("a", None)
    older = planted.lake.read(spark, "file_languages", version).drop("languages_version")
    writer = older.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    spark.sql(f"alter table delta.`{path}` drop constraint languages_version_required")
    spark.sql(f"alter table delta.`{path}` drop constraint languages_version_valid")
    writer.save(path)
    head = max(int(p.stem) for p in Path(path, "_delta_log").glob("*.json"))
    planted.record("scan", "audited", file_languages=head)
    with pytest.raises(LakeError, match="cannot be migrated: languages_version is missing"):
        planted.maintain()


def test_maintain_needs_the_lock_and_a_publication_to_keep(planted: Planted) -> None:
    with LakeLock(planted.lake.root, "other"), pytest.raises(LockedError):
        planted.maintain()
    with pytest.raises(UsageError, match="--keep needs 1 publication or more, found 0"):
        planted.maintain(keep=0)


@pytest.mark.integration
def test_maintenance_is_told_as_json_and_text(
    planted: Planted, capfd: pytest.CaptureFixture[str]
) -> None:
    planted.publish("a")
    done = maintain_lake(MaintainOptions(lake=planted.lake.root, log_json=True))
    said = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    finished = [line["step"] for line in said if line["event"] == "finished"]
    assert finished == ["migrate", "compact", "remove"]
    assert {line["run_id"].partition("-")[0] for line in said} == {"maintain"}
    assert json.loads(json.dumps(done.to_dict()))["num_publications"] == 1
    assert "kept        1 publications" in done.to_text()
