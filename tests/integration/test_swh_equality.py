"""The same repositories through git: and through swh: give the same tables and the same shards.

Through swh: twice: graph and contents in one folder, and each in a bucket of its own.

The graph and the contents are made by Software Heritage's own tools, in an environment of their
own (`swh_producer.py`): that of `STACKSPARK_SWH_TOOLS` (a Python), or one that is made here.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from places import REPOSITORY
from pyspark.sql import DataFrame, SparkSession
from s3_servers import S3Server, ended, started
from source_fixtures import commit, git, make_repository

from stackspark.commands.run import RunOptions, run_recipe
from stackspark.lake.lake import Lake

pytestmark = pytest.mark.integration

SUPPORT = REPOSITORY / "tests" / "support"
TOOLS = ("swh.export==1.12.0", "swh.loader.git==3.4.0")
DATE = "2024-03-0{}T04:05:06+00:00"
FORGE = "https://github.com/"
DEEP = 12
"""Each level costs some jobs; that 64 of them are walked is tested with the graph alone."""
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
    licence = (REPOSITORY / "LICENSE").read_text(encoding="utf-8")
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
    deep = "/".join(f"level{n}" for n in range(DEEP))
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
    producer = [tools, str(SUPPORT / "swh_producer.py"), str(root / "archive"), json.dumps(given)]
    subprocess.run(producer, check=True, cwd=root, env={"PATH": os.environ["PATH"]})
    (root / "archive" / "graph" / "orc" / "skipped_content").mkdir(exist_ok=True)
    return {"git": entries, "swh": [f"swh:{root}/archive"], "root": root}


def recipe(root: Path, kind: str, sources: list[Any]) -> str:
    document = {"extends": "default", "name": "same", "sources": sources}
    document["license_texts"] = {"detector": "built_in"}
    document["canaries"] = False
    document["fetching"] = {"max_text_bytes": "1 MiB"}
    (root / f"{kind}.yaml").write_text(yaml.safe_dump(document))
    return str(root / f"{kind}.yaml")


def store(archive: Path, server: S3Server) -> dict[str, str]:
    """Put an archive into buckets, the graph and the contents apart; the source that names both."""
    client = server.client()
    for name in ("graph", "content"):
        server.create_bucket(f"swh-{name}")
        for path in (archive / name).rglob("*"):
            if path.is_file():
                key = str(path.relative_to(archive))
                client.put_object(Bucket=f"swh-{name}", Key=key, Body=path.read_bytes())
    return {"source": "swh:s3a://swh-graph/graph/orc", "contents": "s3a://swh-content"}


@pytest.fixture(scope="module")
def lakes(spark: SparkSession, places: dict[str, Any], seaweedfs: S3Server) -> dict[str, Lake]:
    """A whole run of each kind; the one from buckets is a program, as it needs their jars."""
    root: Path = places["root"]
    for kind in ("git", "swh"):
        path, lake = recipe(root, kind, places[kind]), str(root / f"lake-{kind}")
        run_recipe(RunOptions(recipe=path, lake=lake, quiet=True))
    path = recipe(root, "store", [store(root / "archive", seaweedfs)])
    command = ("-m", "stackspark.cli", "run", path, "--lake", str(root / "lake-store"))
    code, _, err = ended(started(seaweedfs, *command, "--master", "local[2]"))
    assert code == 0, err
    return {kind: Lake(str(root / f"lake-{kind}")) for kind in ("git", "swh", "store")}


def table(spark: SparkSession, lake: Lake, name: str) -> DataFrame:
    publication = lake.published(spark)
    assert publication
    return lake.read(spark, name, publication.table_versions[name])


def texts(rows: DataFrame, *left_out: str) -> list[str]:
    return sorted(map(str, rows.drop(*left_out).collect()))


@pytest.mark.parametrize("kind", ["swh", "store"])
@pytest.mark.parametrize("name", SAME)
def test_tables_are_equal(
    spark: SparkSession, lakes: dict[str, Lake], name: str, kind: str
) -> None:
    by_git, by_graph = (texts(table(spark, lakes[each], name)) for each in ("git", kind))
    assert by_git == by_graph
    assert by_git or name == "near_duplicates"


@pytest.mark.parametrize("kind", ["swh", "store"])
def test_origins_differ_in_their_source_only(
    spark: SparkSession, lakes: dict[str, Lake], kind: str
) -> None:
    by_git, by_graph = (
        texts(table(spark, lakes[each], "origins"), "source") for each in ("git", kind)
    )
    assert by_git == by_graph
    assert len(by_git) == 6, "ships and its copy have one root"


@pytest.mark.parametrize("kind", ["swh", "store"])
def test_shards_have_the_same_bytes(spark: SparkSession, lakes: dict[str, Lake], kind: str) -> None:
    columns = ("dataset", "num_rows", "size_bytes", "sha256")
    by_git, by_graph = (
        texts(table(spark, lakes[each], "shards").select(*columns)) for each in ("git", kind)
    )
    assert by_git == by_graph
    assert len(by_git) >= 3


def test_hard_cases_are_among_the_files(spark: SparkSession, lakes: dict[str, Lake]) -> None:
    files = table(spark, lakes["swh"], "files").collect()
    paths = {row["path"] for row in files}
    assert {"/caf\\xe9.py", "/\\xff\\xfe.txt", "/latest.py", "/run.sh"} <= paths
    assert any(path.count("/") == DEEP + 1 for path in paths)
    assert {row["mode"] for row in files} == {33188, 33261, 40960}
    origins = table(spark, lakes["swh"], "origins").collect()
    assert {row["num_submodules"] for row in origins} == {0, 1}
    assert {row["branch_name"] for row in origins} == {
        "refs/heads/main",
        "refs/heads/master",
        "HEAD",
    }


def test_report_says_what_fetching_took(lakes: dict[str, Lake]) -> None:
    said = {
        kind: json.loads((Path(lake.root) / "reports" / "latest.json").read_text())["fetched"]
        for kind, lake in lakes.items()
    }
    assert said["git"] is None
    # One content is too large, and is not asked for.
    for kind in ("swh", "store"):
        assert said[kind]["num_requests"] == said[kind]["num_contents"] - 1
        assert (said[kind]["num_retries"], said[kind]["num_unusable"]) == (0, 0)
        assert said[kind]["text_bytes"] > said[kind]["body_bytes"] > 0
        assert said[kind]["usd"] == round(said[kind]["num_requests"] * 0.4 / 1e6, 6)
