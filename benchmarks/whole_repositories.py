"""Count how many repositories lose only a part of their files to duplicates, in either order.

    python benchmarks/whole_repositories.py --lake LAKE [--cores 2]

Chooses among the copies of a published run again, file by file and then by whole repositories
(`keep_order.prefer_whole_repositories`), with the run's other parameters, and prints for each what
became of the repositories that hold a file which every other rule keeps.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from stackspark.commands.run import keep_order
from stackspark.duplicates.finalize_verdicts import finalize_verdicts
from stackspark.duplicates.near.candidates import near_duplicate_candidates
from stackspark.duplicates.near.params import NearDuplicatesParams
from stackspark.duplicates.near.search import find_near_duplicates
from stackspark.duplicates.select_representatives import (
    SelectRepresentativesParams,
    select_representatives,
)
from stackspark.lake.lake import Lake
from stackspark.lake.scratch import Scratch
from stackspark.rules.judge import resolved, without_duplicates
from stackspark.runtime.session import SessionParams, spark_session


def main() -> None:
    """Measure one lake."""
    given = parse()
    spark = spark_session(SessionParams(master=f"local[{given.cores}]"))
    lake = Lake(given.lake)
    lake.open()
    publication = lake.published(spark)
    if publication is None:
        raise SystemExit(f"{given.lake} has no published run; finish a run first")
    tables = {
        name: lake.read(spark, name, version)
        for name, version in publication.table_versions.items()
    }
    said = json.loads(publication.params)["near_duplicates"]
    params = NearDuplicatesParams(threshold=said["threshold"], scope=said["scope"])
    print(f"recipe {publication.recipe}, threshold {params.threshold}, scope {params.scope}")
    for whole in (False, True):
        order = replace(keep_order(publication), prefer_whole_repositories=whole)
        with tempfile.TemporaryDirectory() as folder:
            row = fates(tables, order, params, Scratch(folder=folder))
        print(f"{'whole repositories' if whole else 'file by file':<18}  {words(row)}")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Count repositories that lose a part.")
    parser.add_argument("--lake", required=True, help="a lake with a published run")
    parser.add_argument("--cores", type=int, default=2)
    return parser.parse_args()


def fates(
    tables: Mapping[str, DataFrame],
    order: SelectRepresentativesParams,
    params: NearDuplicatesParams,
    scratch: Scratch,
) -> Row:
    """One row: repositories that stay whole, lose a part, lose all, and the files that are kept."""
    verdicts = scratch.write(resolved(tables, without_duplicates(tables["ledger"])), "resolved")
    selected = select_representatives(verdicts, tables["licenses"], tables["origins"], order)
    chosen = scratch.write(selected, "chosen")
    candidates = near_duplicate_candidates(chosen, tables["measurements"], params)
    found = find_near_duplicates(candidates, params, scratch)
    survivors = verdicts.where("status = 'survivor'")
    return counted(finalize_verdicts(survivors, chosen, found.rows))


def counted(survivors: DataFrame) -> Row:
    """Fates of the repositories of survivors, of which each is now kept or removed."""
    is_kept = F.col("status") == "kept"
    repositories = survivors.groupBy("directory_id").agg(
        F.count("*").alias("files"), F.count_if(is_kept).alias("kept")
    )
    return repositories.agg(
        F.count_if(F.expr("kept = files")).alias("whole"),
        F.count_if(F.expr("kept between 1 and files - 1")).alias("part"),
        F.count_if(F.expr("kept = 0")).alias("gone"),
        F.sum("kept").alias("kept_files"),
        F.sum(F.when(F.expr("kept between 1 and files - 1"), F.col("kept"))).alias("part_files"),
    ).collect()[0]


def words(row: Row) -> str:
    """The row in words."""
    return (
        f"{row['whole']:,} repositories stay whole, {row['part']:,} lose a part of their files, "
        f"{row['gone']:,} lose all; {row['kept_files']:,} files kept, "
        f"{row['part_files'] or 0:,} of them where others went"
    )


if __name__ == "__main__":
    main()
