"""Selection of origins: one repository for each root directory, and the files of its root.

Forks, mirrors and renamed repositories share a root directory with the repository that they come
from. It is listed once, under the best described origin.

Source: Lozhkov et al. 2024 (The Stack v2), section 2.1, with a total order of preference: licences
by what they allow instead of by the alphabet, and a unique key at the end.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract
from stackspark.ledger.keep_order import ascending, descending, sane_micros
from stackspark.licenses.expressions import permissive_names
from stackspark.sources.gharchive.repositories import COUNTS


def prefer_listed(matched: DataFrame) -> DataFrame:
    """Take the description of each repository from one place, its source or the events.

    A source that knows the repository's id is preferred; any other origin is described by events.

    Args:
        matched: rows of `match_repositories`, whose origins have a struct `listed` with the columns
            that the source listed.

    Returns:
        The columns of `listed`.
    Shuffles: none.
    """
    is_known = F.col("listed.github_id").isNotNull()

    def preferred(name: str) -> Column:
        listed = F.col(f"listed.{name}")
        is_matched = name not in ("origin_url", "visit_date") and name in matched.columns
        return F.when(is_known, listed).otherwise(F.col(name)) if is_matched else listed

    names = matched.select("listed.*").columns
    return matched.select(*(preferred(name).alias(name) for name in names))


def complete_origins(listed_origins: DataFrame) -> DataFrame:
    """Add the columns of `origins` that a source does not list.

    Unknown counts are 0, any other unknown value is null.

    Returns:
        Rows in contract order.
    """
    columns = []
    for column in table_contract("origins").columns:
        value = F.lit(0 if column.name in COUNTS else None).cast(column.data_type)
        if column.name in listed_origins.columns:
            value = F.coalesce(column.name, value)
        columns.append(value.alias(column.name))
    return listed_origins.select(*columns)


def select_origins(listed_origins: DataFrame) -> DataFrame:
    """Choose one origin per root directory; a root without a file is left out.

    Order of preference: a permissive licence according to GitHub, then none or an unidentified one,
    then any other; more stars; more forks; the older revision; the older repository; the earlier
    visit; the lesser URL. An origin without files (the empty tree, roots that hold submodules only)
    decides on no file, so it needs no verdict.

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


def select_files(
    listed_origins: DataFrame, listed_files: DataFrame, origins: DataFrame
) -> DataFrame:
    """Keep the files of one container per selected root directory.

    Args:
        listed_origins: (`directory_id`, `num_files`, `container`); several containers may hold one
            root.
        listed_files: one row per file of a container, unique by (`container`, `path`).
        origins: the selected origins.

    Returns:
        One row per (`directory_id`, `path`): the columns of `files` that listing knows, with `name`
        and `extension`, and `locator`.
    Shuffles: by directory_id, ids only for the origins; the containers of a root hold the same
        files, as its id is a hash over them, so any of them will do.
    """
    # An index may list only some files of a root: those that the selected origin counts are meant.
    keys = ["directory_id", "num_files"]
    chosen = (
        listed_origins.join(origins.select(*keys), keys, how="left_semi")
        .groupBy("directory_id")
        .agg(F.min("container").alias("container"))
    )
    return (
        listed_files.join(chosen, ["directory_id", "container"], how="left_semi")
        .drop("container")
        .withColumn("name", F.substring_index("path", "/", -1))
        .withColumn("extension", F.lower(F.regexp_extract("name", r"(?s)[^.].*\.([^.]*)$", 1)))
    )


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
