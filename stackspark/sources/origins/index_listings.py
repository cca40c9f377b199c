"""Sources that tell of many origins in tables -> the rows that every listing hands out.

`list_graph` takes Software Heritage's graph: opted-out origins go first, before anything of them is
looked up; of each other one the root directory is found, and each root is walked once.
"""

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stackspark.lake.scratch import Scratch
from stackspark.opt_outs.match_opt_outs import MatchOptOutsParams, match_opt_outs
from stackspark.sources.gharchive.repositories import match_repositories
from stackspark.sources.listing.list_sources import LISTED_SCHEMA
from stackspark.sources.listing.roots import list_roots, listed_rows, name_origins, show_branches
from stackspark.sources.published_index.files import (
    choose_indexed_origins,
    has_place,
    list_indexed_files,
)
from stackspark.sources.swh_graph.branches import find_roots
from stackspark.sources.swh_graph.tables import GraphTables
from stackspark.sources.swh_graph.visits import choose_visits
from stackspark.sources.swh_graph.walk import WalkDirectoriesParams, walk_directories

UNKNOWN = ("directory_id", "revision_id")
"""What an opt-out may name and only the graph tells; it is matched once origins are listed."""

REFUSED_DDL = "origin_url string, request_id string"

LISTED, ORIGINS, REFUSED = PARTS = ("listed", "listed_origins", "refused")
"""Tables of a listing's folder that say what was listed; the others were found on the way."""


@dataclass(frozen=True, kw_only=True)
class Repositories:
    """What archived events tell: `names` over time and `repositories` by id."""

    names: DataFrame
    repositories: DataFrame


@dataclass(frozen=True, kw_only=True)
class IndexListing:
    """What a source listed.

    Attributes:
        rows: of `sources.listing.LISTED_SCHEMA`, stored.
        refused: (`origin_url`, `request_id`) of origins that opted out and were not looked up.
        num_origins: that the source tells of, `num_refused` among them; of two roots of a URL, two.
        num_refused: that opted out.
    """

    rows: DataFrame
    refused: DataFrame
    num_origins: int
    num_refused: int


@dataclass(frozen=True, kw_only=True)
class IndexSource:
    """A source as it was written, and where its contents are."""

    source: str
    store: str


def list_graph(  # noqa: PLR0917 - each is a thing of its own
    place: IndexSource,
    tables: GraphTables,
    requests: DataFrame,
    known: Repositories | None,
    scratch: Scratch,
    params: WalkDirectoriesParams,
) -> IndexListing:
    """List the origins of a graph and the files below their roots.

    Args:
        place: of the source.
        tables: the graph.
        requests: rows of `OptOutRequest`.
        known: what events tell of repositories, default branches among it; None without events.
        scratch: for what is found on the way.
        params: of the walk.
    """
    visits = scratch.write(choose_visits(tables.visits), "visits")
    origins = _named(visits)
    refused = scratch.write(_refused(origins, requests), REFUSED)
    origins = scratch.write(_told(_without(origins, refused), known), "origins")
    usable = origins.where(F.col("error_class").isNull())
    tips = scratch.write(show_branches(find_roots(usable, tables, scratch)), "tips")
    roots = tips.where(F.col("directory_id").isNotNull()).select("directory_id").distinct()
    walk = walk_directories(roots, tables.entries, tables.contents, scratch, params)
    assembled = scratch.write(list_roots(walk.roots, walk.rows, place.source, place.store), LISTED)
    rooted = origins.drop("error_class", "message").join(tips, "origin_url", how="inner")
    lost = rooted.drop("error_class", "message").join(
        walk.faults.withColumnRenamed("root_id", "directory_id"), "directory_id", how="inner"
    )
    faults = [origins, rooted, lost]
    broken = reduce(DataFrame.unionByName, (_origin_faults(each, place.source) for each in faults))
    others = _with_origins(assembled, rooted, place.source).unionByName(
        listed_rows("quarantine", broken)
    )
    return _stored(others, visits, refused, scratch)


def list_stack_v2(
    place: IndexSource, files: DataFrame, requests: DataFrame, scratch: Scratch
) -> IndexListing:
    """List the origins and files of a published index.

    Args:
        place: of the source.
        files: rows of `read_stack_v2`.
        requests: rows of `OptOutRequest`.
        scratch: for what is found on the way.
    """
    origins = scratch.write(choose_indexed_origins(files), "origins")
    refused = scratch.write(_refused(origins, requests), REFUSED)
    rooted = _without(origins, refused)
    roots = rooted.select(F.col("directory_id").alias("root_id")).distinct()
    found = list_indexed_files(files).join(roots, "root_id", how="left_semi")
    heads = roots.withColumn("num_submodules", F.lit(0).cast("bigint"))
    assembled = scratch.write(list_roots(heads, found, place.source, place.store), LISTED)
    nameless = listed_rows("quarantine", _nameless(files, place.source))
    others = _with_origins(assembled, rooted, place.source).unionByName(nameless)
    return _stored(others, origins, refused, scratch)


def opened(
    spark: SparkSession, scratch: Scratch, num_origins: int, num_refused: int
) -> IndexListing:
    """Open the listing that a folder holds: the files of the roots and the rows of the origins."""
    like = spark.createDataFrame([], LISTED_SCHEMA)
    files, others = scratch.read(LISTED, like), scratch.read(ORIGINS, like)
    return IndexListing(
        rows=files.where(F.col("kind") != "origin").unionByName(others),
        refused=scratch.read(REFUSED, spark.createDataFrame([], REFUSED_DDL)),
        num_origins=num_origins,
        num_refused=num_refused,
    )


def _stored(
    others: DataFrame, origins: DataFrame, refused: DataFrame, scratch: Scratch
) -> IndexListing:
    """Write the rows that are of no root, the last part of a listing."""
    scratch.write(others.select(*LISTED_SCHEMA.names), ORIGINS)
    num_refused = origins.join(refused, "origin_url", how="left_semi").count()
    return opened(others.sparkSession, scratch, origins.count(), num_refused)


def _nameless(files: DataFrame, source: str) -> DataFrame:
    """Rows of `quarantine` for rows of an index that name no repository or no root."""
    shown = [F.coalesce(name, F.lit("?")) for name in ("repo_name", "path")]
    return files.where(~F.coalesce(has_place(), F.lit(False))).select(
        F.lit(source).alias("source"),
        F.concat_ws(":", *shown).alias("key"),
        F.lit("entry").alias("grain"),
        F.lit("invalid_row").alias("error_class"),
        F.lit("it needs repo_name and directory_id; left out").alias("message"),
    )


def _named(visits: DataFrame) -> DataFrame:
    return visits.join(name_origins(visits), "origin_url", how="inner")


def _refused(origins: DataFrame, requests: DataFrame) -> DataFrame:
    unknown = {name: F.lit(None).cast("string") for name in UNKNOWN}
    columns = unknown | {"github_id": F.lit(None).cast("bigint")}
    params = MatchOptOutsParams(covers_copies=False)
    verdicts = match_opt_outs(origins.withColumns(columns), requests, params)
    return verdicts.select(
        F.col("subject_id").alias("origin_url"), F.col("evidence").alias("request_id")
    )


def _without(origins: DataFrame, refused: DataFrame) -> DataFrame:
    return origins.join(refused, "origin_url", how="left_anti")


def _told(origins: DataFrame, known: Repositories | None) -> DataFrame:
    columns = [*origins.columns, "default_branch"]
    if known is None:
        return origins.withColumn("default_branch", F.lit(None).cast("string")).select(*columns)
    return match_repositories(origins, known.names, known.repositories).select(*columns)


def _origin_faults(rows: DataFrame, source: str) -> DataFrame:
    """Rows of `quarantine` for origins of which nothing is listed."""
    return rows.where(F.col("error_class").isNotNull()).select(
        F.lit(source).alias("source"),
        F.col("origin_url").alias("key"),
        F.lit("origin").alias("grain"),
        "error_class",
        "message",
    )


def _with_origins(assembled: DataFrame, rooted: DataFrame, source: str) -> DataFrame:
    """Put every origin of a root in the place of the made-up one."""
    is_origin = F.col("kind") == "origin"
    roots = assembled.where(is_origin).select(
        "origin.directory_id", "origin.container", "origin.num_files", "origin.num_submodules"
    )
    origins = rooted.withColumn("source", F.lit(source))
    return listed_rows("origin", origins.join(roots, "directory_id", how="inner"))
