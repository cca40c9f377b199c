"""Listings of indexes: tables of many origins as sources, with the rows of every other listing.

An index is Software Heritage's graph (`list_graph`) or the published index of The Stack v2
(`list_stack_v2`). Opted-out origins are left out before anything of them is looked up; the root
directory of each other one is found, and each root is walked once.
"""

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
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

UNKNOWN = {"directory_id": "string", "revision_id": "string", "github_id": "bigint"}
"""Columns that an opt-out may name but that are known only after listing; matched then."""

REFUSED_DDL = "origin_url string, request_id string"

LISTED, ORIGINS, REFUSED = PARTS = ("listed", "listed_origins", "refused")
"""Tables of a listing's folder that hold the listing; the others are intermediate."""


@dataclass(frozen=True, kw_only=True)
class Repositories:
    """Tables from archived events: `list_repository_names` and `describe_repositories`."""

    names: DataFrame
    repositories: DataFrame


@dataclass(frozen=True, kw_only=True)
class IndexListing:
    """Listing of one index.

    Attributes:
        rows: of `LISTED_SCHEMA`, stored.
        refused: (`origin_url`, `request_id`) of origins that opted out and were not looked up.
        num_origins: origins of the index, those that opted out among them; a URL with two roots
            counts twice.
        num_refused: origins that opted out.
    """

    rows: DataFrame
    refused: DataFrame
    num_origins: int
    num_refused: int


@dataclass(frozen=True, kw_only=True)
class IndexSource:
    """A source as the user wrote it, and the store of its contents."""

    source: str
    store: str


def list_graph(  # noqa: PLR0917 - tables by position, as in every function on tables
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
        known: repositories of events, for their default branches; None without events.
        scratch: for the listing and intermediate tables.
        params: of the walk.
    """
    visits = scratch.write(choose_visits(tables.visits), "visits")
    origins = visits.join(name_origins(visits), "origin_url", how="inner")
    refused = scratch.write(_refused(origins, requests), REFUSED)
    allowed = origins.join(refused, "origin_url", how="left_anti")
    origins = scratch.write(_with_default_branch(allowed, known), "origins")
    usable = origins.where(F.col("error_class").isNull())
    tips = scratch.write(show_branches(find_roots(usable, tables, scratch)), "tips")
    roots = tips.where(F.col("directory_id").isNotNull()).select("directory_id").distinct()
    walk = walk_directories(roots, tables.entries, tables.contents, scratch, params)
    assembled = scratch.write(list_roots(walk.roots, walk.rows, place.source, place.store), LISTED)
    rooted = origins.drop("error_class", "message").join(tips, "origin_url", how="inner")
    lost = rooted.drop("error_class", "message").join(
        walk.faults.withColumnRenamed("root_id", "directory_id"), "directory_id", how="inner"
    )
    key = F.col("origin_url")
    broken = (_quarantine(rows, place.source, "origin", key) for rows in (origins, rooted, lost))
    others = _with_origins(assembled, rooted, place.source).unionByName(
        reduce(DataFrame.unionByName, broken)
    )
    return _store(others, visits, refused, scratch)


def list_stack_v2(
    place: IndexSource, files: DataFrame, requests: DataFrame, scratch: Scratch
) -> IndexListing:
    """List the origins and files of a published index.

    Args:
        place: of the source.
        files: rows of `read_stack_v2`.
        requests: rows of `OptOutRequest`.
        scratch: for the listing and intermediate tables.
    """
    origins = scratch.write(choose_indexed_origins(files), "origins")
    refused = scratch.write(_refused(origins, requests), REFUSED)
    rooted = origins.join(refused, "origin_url", how="left_anti")
    roots = rooted.select(F.col("directory_id").alias("root_id")).distinct()
    listed = list_indexed_files(files).join(roots, "root_id", how="left_semi")
    heads = roots.withColumn("num_submodules", F.lit(0).cast("bigint"))
    assembled = scratch.write(list_roots(heads, listed, place.source, place.store), LISTED)
    others = _with_origins(assembled, rooted, place.source).unionByName(
        _nameless(files, place.source)
    )
    return _store(others, origins, refused, scratch)


def open_listing(
    spark: SparkSession, scratch: Scratch, num_origins: int, num_refused: int
) -> IndexListing:
    """Open a stored listing: the files of the roots and the rows of the origins."""
    like = spark.createDataFrame([], LISTED_SCHEMA)
    files, others = scratch.read(LISTED, like), scratch.read(ORIGINS, like)
    return IndexListing(
        rows=files.where(F.col("kind") != "origin").unionByName(others),
        refused=scratch.read(REFUSED, spark.createDataFrame([], REFUSED_DDL)),
        num_origins=num_origins,
        num_refused=num_refused,
    )


def _store(
    others: DataFrame, origins: DataFrame, refused: DataFrame, scratch: Scratch
) -> IndexListing:
    """Write the last part of a listing: the rows of its origins, and those of no root."""
    scratch.write(others.select(*LISTED_SCHEMA.names), ORIGINS)
    num_refused = origins.join(refused, "origin_url", how="left_semi").count()
    return open_listing(others.sparkSession, scratch, origins.count(), num_refused)


def _nameless(files: DataFrame, source: str) -> DataFrame:
    """Quarantine rows of an index that name no repository or no root."""
    fault = {
        "error_class": F.lit("invalid_row"),
        "message": F.lit("it needs repo_name and directory_id; left out"),
    }
    rows = files.where(~F.coalesce(has_place(), F.lit(False))).withColumns(fault)
    key = F.concat_ws(":", *(F.coalesce(name, F.lit("?")) for name in ("repo_name", "path")))
    return _quarantine(rows, source, "entry", key)


def _quarantine(rows: DataFrame, source: str, grain: str, key: Column) -> DataFrame:
    """Rows of kind quarantine for the rows with an `error_class`."""
    columns = {"source": F.lit(source), "key": key, "grain": F.lit(grain)}
    faulty = rows.where(F.col("error_class").isNotNull())
    named = (column.alias(name) for name, column in columns.items())
    return listed_rows("quarantine", faulty.select(*named, "error_class", "message"))


def _refused(origins: DataFrame, requests: DataFrame) -> DataFrame:
    unknown = {name: F.lit(None).cast(kind) for name, kind in UNKNOWN.items()}
    params = MatchOptOutsParams(covers_copies=False)
    verdicts = match_opt_outs(origins.withColumns(unknown), requests, params)
    return verdicts.select(
        F.col("subject_id").alias("origin_url"), F.col("evidence").alias("request_id")
    )


def _with_default_branch(origins: DataFrame, known: Repositories | None) -> DataFrame:
    if known is None:
        return origins.withColumn("default_branch", F.lit(None).cast("string"))
    matched = match_repositories(origins, known.names, known.repositories)
    return matched.select(*origins.columns, "default_branch")


def _with_origins(assembled: DataFrame, rooted: DataFrame, source: str) -> DataFrame:
    """Rows of kind origin for every origin of a root, instead of the root's made-up one."""
    is_origin = F.col("kind") == "origin"
    roots = assembled.where(is_origin).select(
        "origin.directory_id", "origin.container", "origin.num_files", "origin.num_submodules"
    )
    origins = rooted.withColumn("source", F.lit(source))
    return listed_rows("origin", origins.join(roots, "directory_id", how="inner"))
