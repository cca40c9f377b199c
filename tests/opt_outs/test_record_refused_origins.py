from pyspark.sql import SparkSession

from stackspark.opt_outs.record_refused_origins import record_refused_origins
from stackspark.rules.verdicts import VERDICT_COLUMNS


def test_origin_that_several_sources_tell_of_has_one_verdict(spark: SparkSession) -> None:
    rows = [("https://x/a", "mail-2"), ("https://x/a", "mail-1"), ("https://x/b", "mail-3")]
    verdicts = record_refused_origins(
        spark.createDataFrame(rows, "origin_url string, request_id string")
    )
    assert tuple(verdicts.columns) == VERDICT_COLUMNS
    found = {row.subject_id: row for row in verdicts.collect()}
    assert {url: row.evidence for url, row in found.items()} == {
        "https://x/a": "mail-1",
        "https://x/b": "mail-3",
    }
    assert {(row.grain, row.rule, row.step) for row in found.values()} == {
        ("origin", "opt_out", "list")
    }
