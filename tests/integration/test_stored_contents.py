"""Contents fetched through a store that fails, by runs that are killed: nothing lost, none twice.

Each run is a program of its own, before a proxy that breaks answers and counts requests.
"""

import gzip
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from pyspark.sql import SparkSession
from s3_proxy import EXPIRED, KINDS, Faults, FaultyS3, faulty_s3
from s3_servers import S3Server, ended, started
from swh_graphs import oid, write_graph

from stackspark.commands.run import RunOptions, plan_recipe, run_recipe
from stackspark.lake.lake import Lake
from stackspark.swhid import blob_id, content_id

pytestmark = pytest.mark.integration

BUCKET = "kept-contents"
TEXTS = [f"ship = {n}\n".encode() * (n % 40 + 1) for n in range(600)]
MISSING, TORN, OTHER, PLAIN = b"missing\n", b"torn\n" * 99, b"one\n", b"not packed\n"
LONG, REFUSED = b"x" * (1 << 20), [b"secret %d\n" % n for n in range(20)]
STORED = {
    **{raw: gzip.compress(raw) for raw in [*TEXTS, LONG, *REFUSED]},
    TORN: gzip.compress(TORN)[:-9],
    OTHER: gzip.compress(b"two\n"),
    PLAIN: PLAIN,
}
OUTCOMES = {
    MISSING: "missing_object",
    TORN: "truncated_object",
    OTHER: "corrupt_object",
    PLAIN: "corrupt_object",
}
PARTS = 6
SECONDS = 300
TROUBLE = Faults(rate=0.2, kinds=(*KINDS, EXPIRED), seed=3, slow_seconds=0.2)


@dataclass(frozen=True)
class Place:
    """A recipe over contents in a store, and the folder for its lakes."""

    server: S3Server
    folder: Path

    def command(self, lake: str, recipe_name: str = "stored") -> tuple[str, ...]:
        recipe, place = self.folder / f"{recipe_name}.yaml", self.folder / lake
        step = ("-m", "stackspark.cli", "step", "fetch", "--recipe", str(recipe))
        return (*step, "--lake", str(place), "--master", "local[2]")

    def run(self, lake: str, proxy: FaultyS3) -> str:
        """Run to the end; what it said."""
        code, _, err = ended(
            started(self.server, *self.command(lake), AWS_ENDPOINT_URL=proxy.endpoint)
        )
        assert code == 0, err
        return err


def tree(directory: str, raws: list[bytes]) -> list[tuple[Any, ...]]:
    return [
        (oid(directory), b"f%d.py" % number, "file", content_id(raw), 0o100644)
        for number, raw in enumerate(raws)
    ]


def graph() -> dict[str, list[tuple[Any, ...]]]:
    """Two origins, one of which opted out; some contents of the other are spoiled."""
    trees = {"kept": [*TEXTS, LONG, *OUTCOMES], "refused": REFUSED}
    every = [raw for raws in trees.values() for raw in raws]
    return {
        "origin_visit_status": [
            (f"https://github.com/ada/{name}", 1, 0, "full", oid(f"snapshot {name}"), "git")
            for name in trees
        ],
        "snapshot_branch": [
            (oid(f"snapshot {name}"), b"HEAD", oid(f"rev {name}"), "revision") for name in trees
        ],
        "revision": [(oid(f"rev {name}"), 0, 0, oid(name), "git") for name in trees],
        "directory_entry": [row for name, raws in trees.items() for row in tree(name, raws)],
        "content": [(blob_id(raw), content_id(raw), len(raw), "visible") for raw in every],
    }


def small_graph(name: str, raws: list[bytes]) -> dict[str, list[tuple[Any, ...]]]:
    """One origin whose root holds these contents."""
    return {
        "origin_visit_status": [
            (f"https://github.com/ada/{name}", 1, 0, "full", oid(f"snapshot {name}"), "git")
        ],
        "snapshot_branch": [(oid(f"snapshot {name}"), b"HEAD", oid(f"rev {name}"), "revision")],
        "revision": [(oid(f"rev {name}"), 0, 0, oid(name), "git")],
        "directory_entry": tree(name, raws),
        "content": [(blob_id(raw), content_id(raw), len(raw), "visible") for raw in raws],
    }


@pytest.fixture(scope="module")
def place(seaweedfs: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("stored")
    client = seaweedfs.create_bucket(BUCKET) and seaweedfs.client()
    for raw, body in STORED.items():
        client.put_object(Bucket=BUCKET, Key=f"content/{blob_id(raw)}", Body=body)
    write_graph(folder, graph())
    (folder / "opt_outs.yaml").write_text("- {id: asked, kind: repository, value: ada/refused}\n")
    recipe = {
        "extends": "default",
        "name": "stored",
        "license_texts": {"detector": "built_in"},
        "sources": [{"source": f"swh:{folder}", "contents": f"s3a://{BUCKET}"}],
        "opt_outs": "{recipe_folder}/opt_outs.yaml",
        "canaries": False,
        "fetching": {
            "max_text_bytes": len(LONG),
            "part_contents": len(TEXTS) // PARTS,
            "store": {"min_wait_seconds": 0.01, "max_wait_seconds": 0.05},
        },
    }
    (folder / "stored.yaml").write_text(yaml.safe_dump(recipe))
    return Place(seaweedfs, folder)


def key(raw: bytes) -> tuple[str, str]:
    return "GET", f"/{BUCKET}/content/{blob_id(raw)}"


Tables = dict[str, list[str]]


def tables(spark: SparkSession, place: Place, lake: str) -> Tables:
    """Rows of every table that fetching writes, as text and in order."""
    opened = Lake(str(place.folder / lake))
    names = ("contents", "files", "quarantine")
    versions = {name: opened.audited_version(spark, name) for name in names}
    assert None not in versions.values()
    rows = {name: opened.read(spark, name, version) for name, version in versions.items()}
    return {name: sorted(map(str, table.collect())) for name, table in rows.items()}


@pytest.fixture(scope="module")
def undisturbed(spark: SparkSession, place: Place) -> Tables:
    with faulty_s3(place.server.endpoint, Faults(rate=0.0)) as proxy:
        said = place.run("undisturbed", proxy)
    assert {proxy.asked[key(raw)] for raw in TEXTS} == {1}
    assert not any(proxy.asked[key(raw)] for raw in (LONG, *REFUSED))
    assert f"{len(TEXTS) + len(OUTCOMES) + 1} contents, " in said
    return tables(spark, place, "undisturbed")


def test_spoiled_contents_are_rows_of_quarantine(
    spark: SparkSession, place: Place, undisturbed: Tables
) -> None:
    opened = Lake(str(place.folder / "undisturbed"))
    rows = opened.read(spark, "quarantine", opened.audited_version(spark, "quarantine"))
    found = {row["key"]: row["error_class"] for row in rows.collect() if row["grain"] == "content"}
    assert found == {content_id(raw): error for raw, error in OUTCOMES.items()}
    assert len(undisturbed["contents"]) == len(TEXTS) + 1
    assert sum("too_large" in row for row in undisturbed["contents"]) == 1


def test_killed_run_goes_on_behind_what_it_committed(
    spark: SparkSession, place: Place, undisturbed: Tables
) -> None:
    """A fault in five answers, before the run is killed and after."""
    with faulty_s3(place.server.endpoint, TROUBLE) as proxy:
        process = started(place.server, *place.command("killed"), AWS_ENDPOINT_URL=proxy.endpoint)
        wait_until_amid(place.folder / "killed", proxy)
        for each in family(process.pid):
            # Some end by themselves once their parent is gone.
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.communicate()
    opened = Lake(str(place.folder / "killed"))
    rows = opened.read(spark, "contents", opened.base_version(spark, "contents"))
    committed = {row["blob_id"] for row in rows.collect()}
    kept, others = (
        [raw for raw in TEXTS if (blob_id(raw) in committed) == i] for i in (True, False)
    )
    assert len(kept) > len(TEXTS) / PARTS
    assert len(others) > len(TEXTS) / PARTS
    assert opened.audited_version(spark, "contents") is None
    stored = json.loads(opened.steps(spark)[-1]["metrics"])["notes"]["stored"]
    assert stored["contents"] == len(committed) + stored["unusable"]
    asked = stored["contents"] - (blob_id(LONG) in committed)
    assert stored["requests"] == asked + stored["retries"]
    assert {proxy.answered[key(raw)] for raw in kept} == {1}
    with faulty_s3(place.server.endpoint, TROUBLE) as proxy:
        place.run("killed", proxy)
    assert set(proxy.injected) == {*KINDS, EXPIRED}
    assert sum(proxy.injected.values()) > len(others) / 8
    assert not any(proxy.asked[key(raw)] for raw in kept), "what is committed is not asked for"
    assert {proxy.answered[key(raw)] for raw in others} == {1}, "nor is what arrived"
    assert not any(proxy.asked[key(raw)] for raw in (LONG, *REFUSED))
    assert tables(spark, place, "killed") == undisturbed


def test_graph_and_contents_in_public_buckets_need_no_credentials(
    spark: SparkSession, place: Place, undisturbed: Tables
) -> None:
    client = place.server.create_bucket("public") and place.server.client()
    for path in (place.folder / "graph").rglob("*.orc"):
        key = f"export/{path.relative_to(place.folder)}"
        client.put_object(Bucket="public", Key=key, Body=path.read_bytes())
    for raw, body in STORED.items():
        client.put_object(Bucket="public", Key=f"content/{blob_id(raw)}", Body=body)
    recipe = {
        "extends": str(place.folder / "stored.yaml"),
        "sources": [{"source": "swh:s3a://public/export", "contents": "s3a://public"}],
    }
    (place.folder / "public.yaml").write_text(yaml.safe_dump(recipe))
    nobody = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "")
    command = place.command("public", "public")
    code, _, err = ended(started(place.server, *command, **nobody))
    assert code != 0, "the store asks for a signature"
    assert "Traceback" not in err
    named = ("--set", "public_buckets=[public]")
    code, _, err = ended(started(place.server, *command, *named, **nobody))
    assert code == 0, err
    found = tables(spark, place, "public")
    assert found["contents"] == undisturbed["contents"]


def test_contents_that_were_not_to_be_had_are_asked_for_again(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The first run finds one object missing; so does the second; then it is there."""
    raws = [b"here = 1\n", b"late = 2\n"]
    write_graph(tmp_path, small_graph("late", raws))
    (tmp_path / "content").mkdir()
    here, late = (tmp_path / "content" / blob_id(raw) for raw in raws)
    here.write_bytes(gzip.compress(raws[0]))
    options = RunOptions(
        recipe="default",
        sources=(f"swh:{tmp_path}",),
        settings=("license_texts.detector=built_in", "canaries=false"),
        lake=str(tmp_path / "lake"),
        until="scan",
        quiet=True,
    )

    def steps_done() -> list[tuple[str, int]]:
        """Steps that were not taken over, and texts that the lake has measured."""
        before = len(Lake(options.lake).steps(spark)) if (tmp_path / "lake").exists() else 0
        outcome = run_recipe(options)
        lake = Lake(options.lake)
        measured = lake.read(spark, "measurements", outcome.versions["measurements"]).count()
        rows = lake.steps(spark)[before:]
        return [(row["step"], measured) for row in rows if row["status"] == "audited"]

    assert steps_done() == [("list", 1), ("fetch", 1), ("scan", 1)]
    plan = {step.step: step.why for step in plan_recipe(options).steps}
    assert plan["fetch"] == "asks again for contents that their stores did not give: 1"
    assert steps_done() == [("fetch", 1)], "nothing changed, so nothing is scanned again"
    late.write_bytes(gzip.compress(raws[1]))
    assert steps_done() == [("fetch", 2), ("scan", 2)]
    assert steps_done() == []


def test_content_that_one_store_lacks_is_had_from_another(
    spark: SparkSession, tmp_path: Path
) -> None:
    raw = b"somewhere = 1\n"
    for name in ("a_lacks", "b_has"):
        (tmp_path / name / "content").mkdir(parents=True)
        write_graph(tmp_path / name, small_graph(name, [raw]))
    (tmp_path / "b_has" / "content" / blob_id(raw)).write_bytes(gzip.compress(raw))
    options = RunOptions(
        recipe="default",
        sources=tuple(f"swh:{tmp_path}/{name}" for name in ("a_lacks", "b_has")),
        settings=("canaries=false",),
        lake=str(tmp_path / "lake"),
        until="fetch",
        quiet=True,
    )
    versions = run_recipe(options).versions
    lake = Lake(options.lake)
    contents, quarantine = (
        lake.read(spark, name, versions[name]).collect() for name in ("contents", "quarantine")
    )
    assert [row["content_id"] for row in contents] == [content_id(raw)]
    assert quarantine == []


def wait_until_amid(lake: Path, proxy: FaultyS3) -> None:
    """Wait until two parts are recorded and some requests of the next one are answered."""
    log = lake / "tables" / "runs" / "_delta_log"
    wait_for(lambda: len(list(log.glob("*.json"))) >= 3)
    asked = sum(proxy.asked.values())
    wait_for(lambda: sum(proxy.asked.values()) > asked + 5)


def wait_for(holds: Any) -> None:
    until = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def family(pid: int) -> Iterator[psutil.Process]:
    """The program, its JVM and their workers: all of them at once, as when a machine goes."""
    program = psutil.Process(pid)
    return iter([program, *program.children(recursive=True)])
