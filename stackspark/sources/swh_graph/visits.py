"""Visits of an archive -> one row per origin: the snapshot that its last full visit took.

Source: Lozhkov et al. 2024 (The Stack v2), section 2.1, but of the full visits only those count
that have a snapshot with a branch: a forge that answered with nothing is no reason to lose an
origin.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.sources.base.faults import first_fault
from stackspark.swhid import snapshot_id

NO_BRANCHES = snapshot_id({})


def choose_visits(visits: DataFrame) -> DataFrame:
    """Choose one visit per origin.

    Args:
        visits: `origin_url`, `visit`, `visit_date`, `status`, `snapshot_id`, several per origin.

    Returns:
        One row per `origin_url`: `visit_date` and `snapshot_id`, or else `error_class` and
        `message`.
    Shuffles: one, on the URL, after a partial aggregation.
    """
    is_full = F.col("status") == "full"
    has_branches = is_full & (F.col("snapshot_id") != NO_BRANCHES)
    order = F.when(has_branches, F.struct("visit", "visit_date", "snapshot_id"))
    chosen = visits.groupBy("origin_url").agg(
        F.max_by(F.struct("visit_date", "snapshot_id"), order).alias("last"),
        F.max(is_full & F.col("snapshot_id").isNotNull()).alias("has_snapshot"),
    )
    is_lost = F.col("last").isNull()
    empty = "the snapshots of its full visits have no branch"
    none = "no visit of it was full and took a snapshot"
    fault = first_fault(
        (is_lost & F.col("has_snapshot"), "empty_repository", empty),
        (is_lost, "no_full_visit", none),
    )
    return chosen.select("origin_url", "last.*", *fault)
