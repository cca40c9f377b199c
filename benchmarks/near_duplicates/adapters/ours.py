"""stackspark's own search on a Parquet file, in a session of its own."""

from dataclasses import asdict, fields, replace

from protocol import Answer, Task, arguments, serve, unavailable
from pyspark.sql import DataFrame, SparkSession

from stackspark.io.session import SessionParams, spark_session
from stackspark.near_duplicate_params import NearDuplicatesParams
from stackspark.near_duplicate_texts import DEFAULTS, JAVA_OPTIONS, TextColumns, deduplicate

COLUMNS = TextColumns(id="id", text="text", rank="rank")


def main() -> None:
    """Search in the mode that was asked for."""
    parser = arguments()
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--verification", help="such as estimate")
    parser.add_argument("--rule", help="such as components")
    given = parser.parse_args()
    params = params_of({"verification": given.verification, "rule": given.rule})
    master = f"local[{given.cores}]"
    session = SessionParams(master=master, shuffle_partitions=given.partitions, extra=JAVA_OPTIONS)
    spark = spark_session(session)
    serve(lambda task: search(spark, task, params), given)
    spark.stop()


def params_of(modes: dict[str, str | None]) -> NearDuplicatesParams:
    """Parameters with the modes that are named; not every version has them."""
    wanted = {name: value for name, value in modes.items() if value}
    missing = wanted.keys() - {field.name for field in fields(NearDuplicatesParams)}
    if missing:
        unavailable(f"this version has no parameter {', '.join(sorted(missing))}")
    return replace(DEFAULTS, **wanted)


def search(spark: SparkSession, task: Task, params: NearDuplicatesParams) -> Answer:
    """Ids of the texts that the search removes, and what its rounds did."""
    texts: DataFrame | str = str(task.parquet)
    if task.partitions:
        texts = spark.read.parquet(texts).repartition(task.partitions, "id")
    found = deduplicate(texts, COLUMNS, str(task.folder / "scratch"), params)
    removed = [row[0] for row in found.rows.select("id").collect()]
    return Answer(removed=removed, notes=[asdict(each) for each in found.rounds])


if __name__ == "__main__":
    main()
