"""Visits of an archive -> one row per origin: the snapshot that its last full visit took.

Source: Lozhkov et al. 2024 (The Stack v2), section 2.1, but of the full visits only those count
that have a snapshot with a branch: a forge that answered with nothing is no reason to lose an
origin.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

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
    has_snapshot = is_full & (F.col("snapshot_id") != NO_BRANCHES)
    order = F.struct("visit", "visit_date", "snapshot_id")
    last = F.max_by(F.struct("visit_date", "snapshot_id"), F.when(has_snapshot, order))
    chosen = visits.groupBy("origin_url").agg(
        last.alias("last"),
        F.coalesce(F.max(is_full & F.col("snapshot_id").isNotNull()), F.lit(False)).alias("empty"),
    )
    is_lost = F.col("last").isNull()
    reasons = (
        (F.when(is_lost & F.col("empty"), "empty_repository").when(is_lost, "no_full_visit")),
        (
            F.when(is_lost & F.col("empty"), "the snapshots of its full visits have no branch")
            .when(is_lost, "no visit of it was full and took a snapshot")
        ),
    )  # fmt: skip
    names = ("error_class", "message")
    return chosen.select(
        "origin_url",
        "last.*",
        *(reason.alias(name) for reason, name in zip(reasons, names, strict=True)),
    )
