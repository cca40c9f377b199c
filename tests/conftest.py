"""One Spark session for all tests: its start costs more than most of them. And S3 servers."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession
from s3_servers import S3Server, moto_server, seaweedfs_server

from stackspark.runtime.session import SessionParams, spark_session

pytest_plugins = ["judged_files"]


def pytest_configure(config: pytest.Config) -> None:
    # It imports a module of the standard library that is on its way out.
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:great_expectations.*")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    params = SessionParams(
        master="local[2]",
        driver_memory="1g",
        shuffle_partitions=2,
        local_dir=str(tmp_path_factory.mktemp("spark")),
    )
    session = spark_session(params)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Server]:
    """The store of unit tests; each test makes buckets of its own."""
    with moto_server() as server:
        yield server


@pytest.fixture
def s3_bucket(moto: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket in moto, which the environment of the test leads to."""
    for name, value in moto.environment.items():
        monkeypatch.setenv(name, value)
    return moto.create_bucket(f"bucket-{uuid4().hex}")


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[S3Server]:
    """A store that keeps its objects on disk and checks signatures; for integration tests."""
    with seaweedfs_server() as server:
        yield server
