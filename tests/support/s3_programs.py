"""Programs with a Spark session of their own, which has the jars for S3A; tests start them."""

import json
import sys
from typing import Any

import pyarrow.parquet as pq
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from stackspark.commands.near_duplicates import DeduplicateOptions, deduplicate_parquet
from stackspark.commands.run import (
    RunOptions,
    explain_target,
    render_report,
    run_recipe,
    validate_tables,
)
from stackspark.duplicates.near.columns import TextColumns
from stackspark.duplicates.near.params import NearDuplicatesParams
from stackspark.runtime.session import SessionParams, spark_session
from stackspark.runtime.storage.filesystems import located

MASTER = "local[2]"


def whole(recipe: str, lake: str) -> dict[str, Any]:
    """Everything that a user does with a lake: run, ask, check, render, run again."""
    options = RunOptions(recipe=recipe, lake=lake, master=MASTER, quiet=True)
    until = RunOptions(recipe=recipe, lake=lake, master=MASTER, quiet=True, until="fetch")
    stage = run_recipe(until)
    first = run_recipe(options)
    again = run_recipe(options)
    assert first.summary
    assert again.summary
    return {
        "staged": stage.is_published,
        "after_stage": [row.step for row in first.summary.timings if row.is_taken_over],
        "taken_over": [row.step for row in again.summary.timings if row.is_taken_over],
        "exports": [vars_of(row) for row in first.summary.exports],
        "valid": validate_tables(lake, None, master=MASTER).ok,
        "explained": explain_target(lake, "a/b:/again.py", master=MASTER).to_text(),
        "report": render_report(lake),
    }


def vars_of(row: Any) -> dict[str, Any]:
    return {"dataset": row.dataset, "folder": row.folder, "num_rows": row.num_rows}


def twins(parquet: str, out: str) -> list[dict[str, Any]]:
    """The search for near-duplicates, from one folder to another: in this process, and in tasks."""
    ways = {"here": None, "tasks": MASTER}
    return [twins_by(master, parquet, f"{out}/{name}") for name, master in ways.items()]


def twins_by(master: str | None, parquet: str, out: str) -> dict[str, Any]:
    """The search in one of the two ways."""
    options = DeduplicateOptions(
        parquet=parquet,
        out=out,
        columns=TextColumns(),
        params=NearDuplicatesParams(scope="corpus"),
        with_kept=True,
        master=master,
        quiet=True,
    )
    found = deduplicate_parquet(options)
    filesystem, folder = located(f"{out}/kept")
    kept = pq.read_table(folder, filesystem=filesystem, columns=["id"])
    return {"removed": found.num_removed, "kept": sorted(kept["id"].to_pylist())}


def append(table: str, writer: str, commits: str) -> list[int]:
    """Commit to a table as if there were no lock; numbers of the commits that were not refused."""
    spark = spark_session(SessionParams(lake=table, master="local[1]", driver_memory="1g"))
    taken = []
    print("ready", file=sys.stderr, flush=True)
    for number in range(int(commits)):
        row = spark.createDataFrame([(writer, number)], "writer string, number int").coalesce(1)
        try:
            row.write.format("delta").mode("append").save(table)
        except (Py4JJavaError, PySparkException):
            continue
        taken.append(number)
    return taken


def rows(table: str) -> list[list[Any]]:
    """What a table of `append` holds."""
    spark = spark_session(SessionParams(lake=table, master="local[1]", driver_memory="1g"))
    return sorted(list(row) for row in spark.read.format("delta").load(table).collect())


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
