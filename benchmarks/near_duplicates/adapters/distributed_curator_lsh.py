"""distributed-curator in a local Spark session of its own; its n-grams are of characters."""

import os
import sys

from protocol import Answer, Task, arguments, serve

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
os.environ.pop("SPARK_HOME", None)

from distributed_curator import get_jar_path, partition_aware_deduplicate
from pyspark.sql import SparkSession

NUM_PARTITIONS = 8


def main() -> None:
    """Search as asked."""
    given = arguments().parse_args()
    partitions = given.partitions or NUM_PARTITIONS
    builder = SparkSession.builder.master("local[2]").config("spark.jars", get_jar_path())
    settings = {
        "spark.driver.memory": "3g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.local.dir": str(given.answer.parent),
        "spark.sql.shuffle.partitions": str(partitions),
        "spark.default.parallelism": str(partitions),
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
        "spark.sql.files.maxPartitionBytes": "4m",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    serve(lambda task: search(spark, task, partitions), given)
    spark.stop()


def search(spark: SparkSession, task: Task, partitions: int) -> Answer:
    """Texts that the tool marks."""
    texts = spark.read.parquet(str(task.parquet)).selectExpr("id AS doc_id", "text")
    marked = partition_aware_deduplicate(
        spark=spark,
        input_df=texts,
        similarity_threshold=0.7,
        num_hashes=64,
        num_bands=16,
        num_partitions=partitions,
        ngram=9,
        is_input_doc_id_unique=True,
    )
    removed = marked.where("is_duplicate").select("doc_id").collect()
    marked.unpersist()
    return Answer(removed=[row[0] for row in removed])


if __name__ == "__main__":
    main()
