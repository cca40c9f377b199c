from collections.abc import Callable

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from stackspark.ledger.keep_order import ascending, descending, sane_micros


@pytest.mark.parametrize(
    ("order", "ranked"), [(ascending, [-1, 0, 7, None]), (descending, [7, 0, -1, None])]
)
def test_what_is_unknown_comes_last(
    spark: SparkSession, order: Callable[[Column], Column], ranked: list[int | None]
) -> None:
    numbers = spark.createDataFrame([(7,), (None,), (-1,), (0,)], "number long")
    rows = numbers.select("number", order(F.col("number")).alias("key")).orderBy("key").collect()
    assert [row.number for row in rows] == ranked
    assert all(row.key is not None for row in rows)


def test_clocks_that_were_never_set_tell_no_date(spark: SparkSession) -> None:
    days = ["1969-12-31 23:59:59", "1970-12-31 23:59:59", "1971-01-01", "2099-12-31 23:59:59"]
    rows = [(day,) for day in (*days, "2100-01-01", None)]
    dates = spark.createDataFrame(rows, "day string").select(F.col("day").cast("timestamp"))
    micros = [row[0] for row in dates.select(sane_micros("day")).collect()]
    assert micros == [None, None, 31_536_000 * 10**6, 4_102_444_799 * 10**6, None, None]
