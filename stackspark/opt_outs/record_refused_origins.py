"""Origins that opted out before anything of them was read -> rows of `ledger`."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.rules.declared.opt_outs import OPT_OUT
from stackspark.rules.verdicts import VERDICT_COLUMNS, verdict_columns


def record_refused_origins(refused: DataFrame) -> DataFrame:
    """Write a verdict for each origin that was not even listed.

    Args:
        refused: (`origin_url`, `request_id`), several rows per origin where several
            sources tell of it.

    Returns:
        Rows with `VERDICT_COLUMNS`, rule `opt_out`.
    Shuffles: one, on the URL.
    """
    once = refused.groupBy("origin_url").agg(F.min("request_id").alias("request_id"))
    verdict = verdict_columns(OPT_OUT, evidence=F.col("request_id"), step="list")
    rows = once.select(
        F.lit("origin").alias("grain"), F.col("origin_url").alias("subject_id"), *verdict
    )
    return rows.select(*VERDICT_COLUMNS)
