"""The same repositories through git: and through swh: give the same tables and the same shards.

The graph and the contents are made by Software Heritage's own tools, in an environment of their
own (`swh_producer.py`): that of `STACKSPARK_SWH_TOOLS` (a Python), or one that is made here.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession
from s3_servers import S3Server
from source_fixtures import commit, git, make_repository

from stackspark.commands import RunOptions, run_recipe
from stackspark.io.lake import Lake

pytestmark = pytest.mark.integration

TESTS = Path(__file__).parent
TOOLS = ("swh.export==1.12.0", "swh.loader.git==3.4.0")
DATE = "2024-03-0{}T04:05:06+00:00"
FORGE = "https://github.com/"
SAME = (
    "files",
    "contents",
    "measurements",
    "file_languages",
    "licenses",
    "ledger",
    "near_duplicates",
    "documents",
)
CREW = '"""Who is on deck."""\n\n\ndef on_deck(crew, hour):\n' + "".join(
    f"    watch_{n} = [sailor for sailor in crew if sailor.watch == (hour + {n}) % 6]\n"
    for n in range(12)
)


def make_repositories(root: Path) -> dict[str, Path]:
    licence = (TESTS.parent / "LICENSE").read_text(encoding="utf-8")
    ships = make_repository(root / "ships", {"LICENSE": licence, "src/crew.py": CREW})
    (ships / "latest.py").symlink_to("src/crew.py")
    (ships / "run.sh").write_text("#!/bin/sh\nexec sail\n")
    (ships / "run.sh").chmod(0o755)
    head = commit(ships, {"README.md": "# Ships\n\nWhere they are bound.\n"})
    git(ships, "update-index", "--add", "--cacheinfo", f"160000,{head},vendor/lib")
    git(ships, "commit", "-q", "-m", "A submodule")
    git(ships, "tag", "-a", "v1", "-m", "one")
    git(ships, "tag", "-a", "v1-again", "-m", "one again", "v1")
    git(root, "clone", "-q", str(ships), "fork")
    commit(root / "fork", {"src/crew.py": CREW.replace("deck", "watch"), "src/more.py": "x = 1\n"})
    git(root, "clone", "-q", str(ships), "same")
    odd = make_repository(root / "odd", {"plain.py": "one = 1\n"})
    for name in (b"caf\xe9.py", b"\xff\xfe.txt", b"a b;c%.py"):
        (odd / os.fsdecode(name)).write_text(f"name = {name!r}\n")
    (odd / "latin.txt").write_bytes("größer\n".encode("latin-1") * 30)
    (odd / "data.bin").write_bytes(bytes(range(256)) * 9)
    (odd / "empty.py").write_text("")
    (odd / "long.txt").write_text("line of text\n" * 90_000)
    commit(odd, {"copy/plain.py": "one = 1\n", "copy/again/plain.py": "one = 1\n"})
    deep = "/".join(f"level{n}" for n in range(40))
    make_repository(root / "deep", {f"{deep}/end.py": CREW + "\n", "node_modules/a/b.js": "1;\n"})
    old = make_repository(root / "old", {"main.c": "int main(void) { return 0; }\n"})
    git(old, "branch", "-q", "-m", "main", "caf")
    git(old, "checkout", "-q", "--detach")
    (root / "wild").mkdir()
    git(root / "wild", "init", "-q", "-b", "master")
    (root / "wild" / "a.py").write_text(CREW.replace("watch", "shift"))
    git(root / "wild", "add", "-A")
    dates = {"GIT_AUTHOR_DATE": "@3000000000 +0000", "GIT_COMMITTER_DATE": "@1 +0000"}
    git(root / "wild", "commit", "-q", "-m", "early and late", **dates)
    return {name: root / name for name in ("ships", "fork", "same", "odd", "deep", "old", "wild")}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> str:
    given = os.environ.get("STACKSPARK_SWH_TOOLS")
    if given:
        return given
    folder = tmp_path_factory.mktemp("tools")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "-q", *TOOLS], check=True)
    return str(folder / "bin" / "python")


@pytest.fixture(scope="module")
def places(tools: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("repositories")
    repositories = make_repositories(root)
    entries = [
        {
            "source": f"git:{path}",
            "origin": f"{FORGE}{name}/{name}",
            "visit_date": DATE.format(number + 1),
        }
        for number, (name, path) in enumerate(repositories.items())
    ]
    given = [[e["source"][4:], e["origin"], e["visit_date"]] for e in entries]
    producer = [tools, str(TESTS / "swh_producer.py"), str(root / "archive"), json.dumps(given)]
    subprocess.run(producer, check=True, cwd=root, env={"PATH": os.environ["PATH"]})
    (root / "archive" / "graph" / "orc" / "skipped_content").mkdir(exist_ok=True)
    return {"git": entries, "swh": [f"swh:{root}/archive"], "root": root}


def run(places: dict[str, Any], kind: str, sources: list[Any], until: str | None = None) -> Lake:
    root: Path = places["root"]
    recipe = {
        "extends": "default",
        "name": "same",
        "sources": sources,
        "license_texts": {"detector": "built_in"},
    }
    recipe["fetching"] = {"max_text_bytes": "1 MiB"}
    (root / f"{kind}.yaml").write_text(yaml.safe_dump(recipe))
    lake = str(root / f"lake-{kind}")
    run_recipe(RunOptions(recipe=str(root / f"{kind}.yaml"), lake=lake, quiet=True, until=until))
    return Lake(lake)


@pytest.fixture(scope="module")
def lakes(spark: SparkSession, places: dict[str, Any]) -> dict[str, Lake]:
    return {kind: run(places, kind, places[kind]) for kind in ("git", "swh")}


def table(spark: SparkSession, lake: Lake, name: str) -> DataFrame:
    publication = lake.published(spark)
    assert publication
    return lake.read(spark, name, publication.table_versions[name])


def texts(rows: DataFrame, *left_out: str) -> list[str]:
    return sorted(map(str, rows.drop(*left_out).collect()))


@pytest.mark.parametrize("name", SAME)
def test_tables_are_equal(spark: SparkSession, lakes: dict[str, Lake], name: str) -> None:
    by_git, by_swh = (texts(table(spark, lakes[kind], name)) for kind in ("git", "swh"))
    assert by_git == by_swh
    assert by_git or name == "near_duplicates"


def test_origins_differ_in_their_source_only(spark: SparkSession, lakes: dict[str, Lake]) -> None:
    by_git, by_swh = (
        texts(table(spark, lakes[kind], "origins"), "source") for kind in ("git", "swh")
    )
    assert by_git == by_swh
    assert len(by_git) == 6, "ships and its copy have one root"


def test_shards_have_the_same_bytes(spark: SparkSession, lakes: dict[str, Lake]) -> None:
    columns = ("dataset", "num_rows", "size_bytes", "sha256")
    by_git, by_swh = (
        texts(table(spark, lakes[kind], "shards").select(*columns)) for kind in ("git", "swh")
    )
    assert by_git == by_swh
    assert len(by_git) >= 3


def test_hard_cases_are_among_the_files(spark: SparkSession, lakes: dict[str, Lake]) -> None:
    files = table(spark, lakes["swh"], "files").collect()
    paths = {row["path"] for row in files}
    assert {"/caf\\xe9.py", "/\\xff\\xfe.txt", "/latest.py", "/run.sh"} <= paths
    assert any(path.count("/") == 41 for path in paths)
    assert {row["mode"] for row in files} == {33188, 33261, 40960}
    origins = table(spark, lakes["swh"], "origins").collect()
    assert {row["num_submodules"] for row in origins} == {0, 1}
    assert {row["branch_name"] for row in origins} == {
        "refs/heads/main",
        "refs/heads/master",
        "HEAD",
    }


def test_contents_from_a_store_are_the_same(
    spark: SparkSession,
    lakes: dict[str, Lake],
    places: dict[str, Any],
    seaweedfs: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in seaweedfs.environment.items():
        monkeypatch.setenv(name, value)
    bucket, client = seaweedfs.create_bucket("archive"), seaweedfs.client()
    archive = places["root"] / "archive"
    for path in (archive / "content").iterdir():
        client.put_object(Bucket=bucket, Key=f"content/{path.name}", Body=path.read_bytes())
    moved = shutil.move(archive / "content", archive / "content-away")
    sources = [{"source": f"swh:{archive}", "contents": f"s3a://{bucket}"}]
    stored = run(places, "store", sources, until="fetch")
    shutil.move(moved, archive / "content")
    for name in ("contents", "files"):
        version = stored.base_version(spark, name)
        assert version is not None
        found = texts(stored.read(spark, name, version))
        assert found == texts(table(spark, lakes["git"], name))
