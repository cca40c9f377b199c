"""Software Heritage's own example export is read and listed."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zipfile import ZipFile

import pytest
from planted_graph import FILE, rows
from pyspark.sql import SparkSession

from stackspark.lake.scratch import Scratch
from stackspark.run.listed import OPT_OUTS_DDL
from stackspark.sources.origins.index_listings import IndexSource, list_graph
from stackspark.sources.swh_graph.tables import graph_folder, read_graph
from stackspark.sources.swh_graph.walk import WalkDirectoriesParams


def example_export(folder: Path) -> Path:
    """The 13 tables that Software Heritage's graph tools carry as an example, from their wheel."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    subprocess.run([*pip, "swh.graph==13.0.1"], check=True)
    with ZipFile(next(folder.glob("*.whl"))) as wheel:
        inside = "swh/graph/example_dataset/orc/"
        wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith(inside)])
    return folder / inside


@pytest.mark.integration
def test_example_of_software_heritage(spark: SparkSession, tmp_path: Path) -> None:
    tables = example_export(tmp_path)
    assert len(list(tables.iterdir())) == 13
    listing = list_graph(
        IndexSource(source="swh:example", store=str(tmp_path)),
        read_graph(spark, graph_folder(str(tables))),
        spark.createDataFrame([], OPT_OUTS_DDL),
        None,
        Scratch(folder=str(tmp_path / "scratch")),
        WalkDirectoriesParams(),
    )
    origins = rows(listing.rows, "origin")
    assert sorted(row["origin_url"] for row in origins) == [
        "https://example.com/swh/graph",
        "https://example.com/swh/graph2",
    ]
    directory, revision, day = "8".zfill(40), "9".zfill(40), datetime(2005, 3, 18)
    for row in origins:
        assert (row["directory_id"], row["revision_id"]) == (directory, revision)
        assert (row["branch_name"], row["num_files"]) == ("refs/heads/master", 4)
        assert row["revision_date"] == day.replace(hour=11, minute=14)
        assert row["visit_date"] == datetime(2013, 5, 7, 4, 20, 41, 369271)
    found = {
        row["path"]: (row["content_id"], row["length_bytes"], row["mode"])
        for row in rows(listing.rows, "file")
    }
    assert found == {
        "/README.md": ("1".zfill(40), 42, FILE),
        "/parser.c": ("7".zfill(40), 666, FILE),
        "/tests/README.rst": ("4".zfill(40), 404, FILE),
        "/tests/main.py": ("5".zfill(40), 1337, FILE),
    }
    assert not rows(listing.rows, "quarantine")
