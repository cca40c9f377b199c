"""The Spark session: one place for every setting, with the reason beside it."""

import logging
import os
import re
import sys
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil
import pyspark
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from stackspark.errors import SetupError
from stackspark.runtime.jars import cached_jars
from stackspark.runtime.java import find_java
from stackspark.runtime.storage.s3 import (
    PUBLIC_VARIABLE,
    S3Endpoint,
    is_s3,
    public_buckets,
    s3_endpoint,
)

LOGGER = logging.getLogger(__name__)
GIB = 1 << 30
LOOPBACK = "127.0.0.1"

QUERY_LOGGERS = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
"""They print the JVM's trace of every failed query on the terminal; the exception says it too."""

UTC = "-Duser.timezone=UTC"

SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Delta's default of 50 is for logs of millions of files; here each small read would pay it.
    "spark.databricks.delta.snapshotPartitions": "2",
    # A run compiles several hundred pieces of code; with Spark's 100 it compiles them again.
    "spark.sql.codegen.cache.maxEntries": "2000",
    "spark.sql.session.timeZone": "UTC",
    # Else ORC's times are told by the machine's clock, which leaves out an hour in spring.
    "spark.driver.extraJavaOptions": UTC,
    "spark.executor.extraJavaOptions": UTC,
    "spark.sql.ansi.enabled": "true",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.parquet.compression.codec": "zstd",
    # Rows of `contents` go up to megabytes: batches are bounded in bytes, or Python runs out of
    # memory; a Parquet batch of 4096 such rows would pass the JVM's limit of 2 GB an array.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(8 << 20),
    "spark.sql.execution.arrow.maxRecordsPerBatch": "4000",
    "spark.sql.parquet.columnarReaderBatchSize": "256",
    # A task of the scan reads whole row groups: small ones share the work of a small lake too.
    "spark.hadoop.parquet.block.size": str(32 << 20),
    # Spark runs one Python worker per core; libraries that start threads on top only lose time.
    "spark.executorEnv.OMP_NUM_THREADS": "1",
    "spark.executorEnv.NUMBA_NUM_THREADS": "1",
    # A walk reads a table of each of its 64 levels: the job that would list more than 32 folders
    # takes ten times as long as listing them one after another.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "128",
    # A page that nobody opens must not fail a run because its port is in use.
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Else every call that makes a column asks the JVM five things more, to say in an error where it
    # was made; a run makes some thousand columns.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Every query's plan is printed for the events, at length unless told otherwise.
    "spark.sql.ui.explainMode": "simple",
    "spark.log.level": "ERROR",
}

LOCAL_SETTINGS = {
    # A run asks hundreds of different queries, and the JVM's two compilers cost 44 % of its CPU
    # seconds; without the second one it takes 172, not 267 (two cores, a run on small
    # repositories). By default the first one alone has room for 48 MB of code, throws it away and
    # compiles it again.
    "spark.driver.extraJavaOptions": (
        f"{UTC} -XX:+UseParallelGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m"
    ),
    # Leaves out what every task would read again, 0.2 CPU seconds each. Not on a cluster, where the
    # package may come as an archive.
    "spark.python.daemon.module": "stackspark.runtime.python_daemon",
    "spark.driver.bindAddress": LOOPBACK,
    "spark.driver.host": LOOPBACK,
}

PROVIDER = "aws.credentials.provider"
ANONYMOUS = "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider"

S3A_SETTINGS = {
    "spark.hadoop.fs.s3a.path.style.access": "true",
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "1",
    # The chain of the SDK, as boto3 and pyarrow have it; S3A's own knows no profile and no token.
    f"spark.hadoop.fs.s3a.{PROVIDER}": (
        "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
    ),
    # A file that must not exist is then written with If-None-Match: a commit of Delta's can never
    # replace another one, even if a writer has slept longer than its lock's lease.
    "spark.hadoop.fs.s3a.performance.flags": "create",
    # Reads of several ranges at once are not tried again when an answer is cut off (hadoop-aws
    # 3.4); reads of one range are.
    "spark.hadoop.parquet.hadoop.vectored.io.enabled": "false",
}


@dataclass(frozen=True, kw_only=True)
class SessionParams:
    """The user's settings of the session; what is None is derived from the machine.

    `driver_memory` is Spark's notation, such as `4g`; `extra` goes over every other setting;
    `reads_s3` says that Spark reads from an object store, wherever the lake is, and `opens_s3` that
    only tasks do, by themselves, which takes none of S3A's jars.
    """

    master: str = "local[*]"
    app_name: str = "stackspark"
    driver_memory: str | None = None
    shuffle_partitions: int | None = None
    local_dir: str | None = None
    event_log_dir: str | None = None
    lake: str = ""
    reads_s3: bool = False
    opens_s3: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)


def spark_session(params: SessionParams) -> SparkSession:
    """Start the Spark session of this process, or return the one that runs.

    Below `spark-submit` the master and every setting that the user gave stay as they are.

    Raises:
        SetupError: if there is no fitting Java, a jar is missing, or Spark does not start.
    """
    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for name in QUERY_LOGGERS:
        logging.getLogger(name).disabled = True
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return _session_of_submit(params)
    return _own_session(params)


def session_settings(params: SessionParams) -> dict[str, str]:
    """Return every Spark setting that `params` stand for, jars and `extra` aside."""
    settings = {"spark.app.name": params.app_name, **SETTINGS}
    if is_local(params.master):
        settings |= LOCAL_SETTINGS
        settings["spark.driver.memory"] = params.driver_memory or _driver_memory(params.master)
        settings["spark.sql.shuffle.partitions"] = str(4 * num_cores(params.master))
    if params.reads_s3 or is_s3(params.lake):
        settings |= S3A_SETTINGS | _endpoint_settings(s3_endpoint())
    elif params.opens_s3:
        settings |= _worker_settings(s3_endpoint())
    given = {
        "spark.driver.memory": params.driver_memory,
        "spark.sql.shuffle.partitions": params.shuffle_partitions,
        "spark.local.dir": params.local_dir,
        "spark.sql.warehouse.dir": params.local_dir and f"{params.local_dir}/warehouse",
        "spark.eventLog.enabled": params.event_log_dir and "true",
        "spark.eventLog.dir": params.event_log_dir,
    }
    return settings | {key: str(value) for key, value in given.items() if value is not None}


def _endpoint_settings(endpoint: S3Endpoint) -> dict[str, str]:
    """The store as the driver found it, for S3A and for the Python workers of every executor."""
    return {
        "spark.hadoop.fs.s3a.endpoint": endpoint.url,
        "spark.hadoop.fs.s3a.endpoint.region": endpoint.region,
        **{f"spark.hadoop.fs.s3a.bucket.{name}.{PROVIDER}": ANONYMOUS for name in public_buckets()},
        **_worker_settings(endpoint),
    }


def _worker_settings(endpoint: S3Endpoint) -> dict[str, str]:
    return {
        "spark.executorEnv.AWS_ENDPOINT_URL_S3": endpoint.url,
        "spark.executorEnv.AWS_REGION": endpoint.region,
        f"spark.executorEnv.{PUBLIC_VARIABLE}": ",".join(public_buckets()),
    }


def is_local(master: str) -> bool:
    """Whether a master URL means this machine only."""
    return master.startswith("local")


def num_cores(master: str) -> int:
    """Cores that a local master URL stands for, such as 2 for ``local[2]``."""
    named = re.fullmatch(r"local\[(\d+)(?:,.*)?\]", master)
    if named:
        return int(named[1])
    return 1 if master == "local" else len(os.sched_getaffinity(0))


def _driver_memory(master: str) -> str:
    """Heap of a local session: 1 GiB and 1 more per core, at most a quarter of the machine's.

    Every core has a Python worker beside it that needs memory of its own.
    """
    heap = min((1 + num_cores(master)) * GIB, machine_memory_bytes() // 4)
    return f"{max(heap, GIB) >> 20}m"


def machine_memory_bytes() -> int:
    """Memory of this machine, or of the container that this process runs in."""
    total = int(psutil.virtual_memory().total)
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text(encoding="ascii").strip() if limit.is_file() else "max"
    return total if text == "max" else min(total, int(text))


def _session_of_submit(params: SessionParams) -> SparkSession:
    SparkContext._ensure_initialized()
    given = SparkConf()
    for key, value in {**session_settings(params), **params.extra}.items():
        given.setIfMissing(key, value)
    given.setIfMissing("spark.master", params.master)
    return SparkSession.builder.config(conf=given).getOrCreate()


def _own_session(params: SessionParams) -> SparkSession:
    java = find_java()
    os.environ["JAVA_HOME"] = str(java.path)
    # Another Spark that happens to be installed has other jars than this pyspark.
    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    if is_local(params.master) or LOOPBACK in params.master:
        # Without it Spark looks its host name up, which fails on some machines.
        os.environ.setdefault("SPARK_LOCAL_IP", LOOPBACK)
    jars = cached_jars(java, s3a=params.reads_s3 or is_s3(params.lake))
    settings = session_settings(params) | {
        "spark.master": params.master,
        "spark.jars": ",".join(str(jar) for jar in jars),
        **params.extra,
    }
    conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
    SparkContext(conf=conf, gateway=_launch(conf))
    return SparkSession.builder.getOrCreate()


def _launch(conf: SparkConf) -> object:
    """Start the JVM with its output going to the log: a terminal shows ours only."""
    reader, writer = os.pipe()
    tail: deque[str] = deque(maxlen=40)
    # Never joined while Spark runs: it ends when the JVM closes its end of the pipe.
    listener = threading.Thread(target=_log_lines, args=(os.fdopen(reader), tail), daemon=True)
    listener.start()
    try:
        gateway: object = launch_gateway(conf, {"stdout": writer, "stderr": writer})  # type: ignore[no-untyped-call]
    except PySparkRuntimeError as error:
        raise SetupError(_not_started(tail)) from error
    finally:
        os.close(writer)
    return gateway


def _log_lines(stream: IO[str], tail: deque[str]) -> None:
    with stream:
        for line in stream:
            tail.append(line.rstrip())
            LOGGER.info("%s", line.rstrip())


def _not_started(tail: deque[str]) -> str:
    causes = [line for line in tail if re.search(r"error|exception|could not", line, re.IGNORECASE)]
    return (
        f"Spark did not start with the Java of {os.environ['JAVA_HOME']}: "
        f"{causes[0] if causes else 'it ended without a word'}; run stackspark doctor"
    )
