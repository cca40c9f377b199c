"""One Spark session for all tests: its start costs more than most of them."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from stackspark.io.session import SessionParams, spark_session


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
