"""Listed origins -> `origins`: one repository for each root directory.

Forks, mirrors and renamed repositories share a root directory with the repository that they come
from. It is listed once, under the origin that says most about it.

Source: Lozhkov et al. 2024 (The Stack v2), section 2.1, with a total order of preference: licences
by what they allow instead of by the alphabet, and a unique key at the end.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract
from stackspark.ledger.keep_order import ascending, descending, sane_micros
from stackspark.licenses.expressions import permissive_names


def select_origins(listed_origins: DataFrame) -> DataFrame:
    """Choose one origin per root directory; a root without a file is left out.

    Better is: a permissive licence by GitHub's word, then none or an unidentified one, then any
    other; more stars; more forks; the older revision; the older repository; the earlier visit; the
    lesser URL. Nothing of a file's fate hangs on an origin without files (the empty tree, roots
    that hold submodules only), so it needs no verdict.

    Args:
        listed_origins: rows of `origins`, several per `directory_id`.
    Returns:
        Rows of `origins` in contract order, one per `directory_id`.
    Shuffles: one, on directory_id, after a partial aggregation: the million forks of one root make
        one row per partition.
    """
    columns = table_contract("origins").column_names
    best = F.min_by(F.struct(*columns), _keep_order()).alias("origin")
    chosen = listed_origins.where(F.col("num_files") > 0).groupBy("directory_id").agg(best)
    return chosen.select(*(f"origin.{name}" for name in columns))


def _keep_order() -> Column:
    return F.struct(
        _license_rank().alias("license_rank"),
        descending(F.col("star_events_count")).alias("stars"),
        descending(F.col("fork_events_count")).alias("forks"),
        ascending(sane_micros("revision_date")).alias("revision_date"),
        ascending(F.col("github_id")).alias("github_id"),
        ascending(sane_micros("visit_date")).alias("visit_date"),
        "origin_url",
        # Two sources may list one URL.
        "source",
        F.coalesce("revision_id", F.lit("")).alias("revision_id"),
        F.coalesce("branch_name", F.lit("")).alias("branch_name"),
    )


def _license_rank() -> Column:
    license_id = F.lower("gha_license_id")
    is_unknown = license_id.isNull() | (license_id == "noassertion")
    is_permissive = license_id.isin(*sorted(permissive_names()))
    return F.when(is_unknown, 1).when(is_permissive, 0).otherwise(2)
