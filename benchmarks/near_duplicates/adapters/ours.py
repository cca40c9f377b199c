"""stackspark's own command on a Parquet file: in this process, or in the tasks of a Spark session.

A number of partitions is a matter of Spark's: with one, the texts are shared out first.
"""

import argparse
from dataclasses import asdict, fields, replace

import pyarrow.parquet as pq
from protocol import Answer, Task, arguments, serve, unavailable
from pyspark.sql import DataFrame, SparkSession

from stackspark.commands.near_duplicates import DeduplicateOptions, deduplicate_parquet
from stackspark.duplicates.near.columns import TextColumns
from stackspark.duplicates.near.params import NearDuplicatesParams
from stackspark.duplicates.near.texts import DEFAULTS, deduplicate
from stackspark.runtime.session import SessionParams, spark_session

COLUMNS = TextColumns(id="id", text="text", rank="rank")


def main() -> None:
    """Search in the mode that was asked for."""
    parser = arguments()
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--spark", action="store_true", help="search in Spark's tasks")
    parser.add_argument("--verification", help="such as estimate")
    parser.add_argument("--rule", help="such as components")
    given = parser.parse_args()
    params = params_of({"verification": given.verification, "rule": given.rule})
    if given.spark or given.partitions:
        serve_in_tasks(given, replace(params, max_in_driver=0))
    else:
        serve(lambda task: search_here(task, params), given)


def params_of(modes: dict[str, str | None]) -> NearDuplicatesParams:
    """Parameters with the modes that are named; not every version has them."""
    wanted = {name: value for name, value in modes.items() if value}
    missing = wanted.keys() - {field.name for field in fields(NearDuplicatesParams)}
    if missing:
        unavailable(f"this version has no parameter {', '.join(sorted(missing))}")
    return replace(DEFAULTS, **wanted)


def serve_in_tasks(given: argparse.Namespace, params: NearDuplicatesParams) -> None:
    """Search in one session of Spark."""
    session = SessionParams(master=f"local[{given.cores}]", shuffle_partitions=given.partitions)
    spark = spark_session(session)
    serve(lambda task: search_in_tasks(spark, task, params), given)
    spark.stop()


def search_here(task: Task, params: NearDuplicatesParams) -> Answer:
    """Ids of the texts that the command removes, and what its rounds did."""
    options = DeduplicateOptions(
        parquet=str(task.parquet),
        out=str(task.folder / "out"),
        columns=COLUMNS,
        params=params,
        quiet=True,
    )
    outcome = deduplicate_parquet(options)
    removed = pq.read_table(f"{options.out}/removed", columns=["id"])["id"].to_pylist()
    return Answer(removed=removed, notes=[asdict(each) for each in outcome.rounds])


def search_in_tasks(spark: SparkSession, task: Task, params: NearDuplicatesParams) -> Answer:
    """As `search_here`, in Spark's tasks."""
    texts: DataFrame | str = str(task.parquet)
    if task.partitions:
        texts = spark.read.parquet(texts).repartition(task.partitions, "id")
    found = deduplicate(texts, COLUMNS, str(task.folder / "scratch"), params)
    removed = [row[0] for row in found.rows.select("id").collect()]
    return Answer(removed=removed, notes=[asdict(each) for each in found.rounds])


if __name__ == "__main__":
    main()
