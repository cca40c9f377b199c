"""A whole run with ScanCode on hostile licence files: each has an outcome, and the run goes on."""

from pathlib import Path

import pytest
import yaml
from places import REPOSITORY
from planted import slow_license_text
from pyspark.sql import DataFrame, SparkSession

from stackspark.commands.run import RunOptions, explain_target, run_recipe
from stackspark.lake.lake import Lake

PLANTED = REPOSITORY / "stackspark" / "recipes" / "demo" / "planted"
MIT = (PLANTED / "LICENSE").read_text(encoding="utf-8")
CODE = "def tide_{name}(hour):\n    '''{name}'''\n    return hour % 12 + len('{name}')\n"

pytestmark = pytest.mark.integration

LICENSES = {
    "plain": MIT.encode(),
    "changed": MIT.replace("free of charge", "at no charge").replace("MIT License", "").encode(),
    "slow": slow_license_text().encode(),
    "large": b"All rights reserved. " * (50 * 2**20 // 21),
    "binary": b"\x7fELF\x00\x01" * 100,
    "odd": b"You may look at this on Tuesdays.\n",
}
OUTCOMES = {
    "plain": ("detected", "exact", "permissive"),
    "changed": ("detected", "full", "permissive"),
    "slow": ("timed_out", None, "non_permissive"),
    "large": ("too_large", None, "non_permissive"),
    "binary": ("binary", None, "non_permissive"),
    "odd": ("nothing_found", "exact", "non_permissive"),
}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("licenses")
    for name, raw in LICENSES.items():
        (root / name).mkdir()
        (root / name / "LICENSE").write_bytes(raw)
        (root / name / f"{name}.py").write_text(CODE.format(name=name))
    recipe = {
        "extends": "default",
        "name": "licenses",
        "sources": [
            {"source": f"dir:{root / name}", "origin": f"https://example.org/l/{name}"}
            for name in LICENSES
        ],
        "license_texts": {"max_seconds": 2},
        "canaries": False,
        "exports": ["ids", "notices"],
    }
    (root / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    options = RunOptions(recipe=str(root / "recipe.yaml"), lake=str(root / "lake"), quiet=True)
    assert run_recipe(options).is_published
    return str(root / "lake")


@pytest.fixture(scope="module")
def tables(spark: SparkSession, lake: str) -> dict[str, DataFrame]:
    opened = Lake(lake)
    publication = opened.published(spark)
    assert publication
    versions = publication.table_versions
    return {name: opened.read(spark, name, version) for name, version in versions.items()}


def test_every_licence_file_has_its_outcome(tables: dict[str, DataFrame]) -> None:
    names = tables["origins"].select("directory_id", "repo_name")
    texts = (
        tables["files"]
        .where("name = 'LICENSE'")
        .join(tables["license_texts"], "blob_id", how="inner")
    )
    rows = texts.join(names, "directory_id", how="inner").collect()
    found = {row.repo_name.rpartition("/")[2]: (row.outcome, row.method) for row in rows}
    assert found == {name: outcome[:2] for name, outcome in OUTCOMES.items()}


def test_code_beside_them_is_decided(tables: dict[str, DataFrame]) -> None:
    rows = tables["licenses"].where("path like '%.py'").collect()
    found = {Path(row.path).stem: row.license_type for row in rows}
    assert found == {name: outcome[2] for name, outcome in OUTCOMES.items()}


def test_notices_have_the_texts_of_what_was_kept(spark: SparkSession, lake: str) -> None:
    (folder,) = Path(lake, "shards", "notices").iterdir()
    rows = spark.read.parquet(str(folder / "*.parquet")).collect()
    found = {row.content: (row.expression, row.holders, row.num_repositories) for row in rows}
    assert {text: said[0] for text, said in found.items()} == {
        LICENSES["plain"].decode(): "MIT",
        LICENSES["changed"].decode(): "MIT",
    }
    assert all(len(holders) == 1 and count == 1 for _, holders, count in found.values())


def test_explain_follows_the_licence_to_its_rule(spark: SparkSession, lake: str) -> None:
    text = explain_target(lake, "l/changed:/changed.py").to_text()
    assert "MIT from /LICENSE (license file)" in text
    assert "/2s/1024MiB full" in text
    assert "mit: lines 5 to 21 match mit.LICENSE, score 98.76" in text
