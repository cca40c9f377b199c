import pytest
from planted_graph import listed
from pyspark.sql import SparkSession

from stackspark.sources.origins.index_listings import IndexListing


@pytest.fixture(scope="package")
def listing(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> IndexListing:
    return listed(spark, tmp_path_factory.mktemp("graph"), levels=5)
