"""Look up in the published tables all that `explain` says of a few files.

Lookups are filters on keys, so that a big lake skips most of its files; all lookups of one kind go
into one Spark job as rows of JSON.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from stackspark.explain.targets import Target, matches
from stackspark.ledger.subjects import GRAINS, subjects

MAX_FILES = 20
MAX_COPIES = 10
MAX_REPOSITORIES = 100
MAX_SUGGESTIONS = 3
MAX_DISTANCE = 3
"""Edits between what was asked for and a suggestion, where all names of the lake are compared."""

WITH_NULLS = {"ignoreNullFields": "false"}

Rows = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class PublishedTables:
    """One published run, as `schemas/` defines the tables.

    `representatives` (`blob_id`, `directory_id`, `path`) has one row per blob that a file holds
    which no rule but those on duplicates rejects: the file that stands for the blob. It is not
    stored; a filter on `blob_id` must reach the tables that it is computed from. `documents` is
    None where the run made none. `license_texts` is None for runs that had no such table.
    """

    origins: DataFrame
    files: DataFrame
    licenses: DataFrame
    ledger: DataFrame
    near_duplicates: DataFrame
    file_languages: DataFrame
    contents: DataFrame
    quarantine: DataFrame
    representatives: DataFrame
    documents: DataFrame | None = None
    license_texts: DataFrame | None = None


def find_files(tables: PublishedTables, target: Target) -> tuple[list[Row], bool]:
    """Find the files that a target names: one job, or two where it names a repository.

    Returns:
        Rows with the files' ids, origin and subjects, at most one more than `MAX_FILES`; and False
        if the target is the mere end of their paths.
    """
    if not target.is_name:
        return _files(tables, matches(target), target.origin_url), True
    repositories = _repositories(tables, target)
    wanted = [
        (F.col("directory_id") == row["directory_id"]) & (F.col("path") == path)
        for row in repositories
        for repo, path in target.splits
        if repo in (row["repo_name"], row["origin_url"])
    ]
    found = _files(tables, reduce(or_, wanted)) if wanted else []
    if found or target.pattern is None:
        return found, True
    return _files(tables, F.col("path").like(target.pattern)), False


def _repositories(tables: PublishedTables, target: Target) -> list[Row]:
    names = sorted({repo for repo, _ in target.splits})
    if not names:
        return []
    named = F.col("repo_name").isin(names) | F.col("origin_url").isin(names)
    origins = tables.origins.select("directory_id", "repo_name", "origin_url").where(named)
    return origins.orderBy("directory_id").limit(MAX_REPOSITORIES).collect()


def _files(tables: PublishedTables, condition: Column, origin_url: str | None = None) -> list[Row]:
    """Up to one file more than is shown, with origin and the ledger's subjects."""
    files, origins = tables.files.where(condition), tables.origins
    if origin_url is not None:
        origins = origins.where(F.col("origin_url") == origin_url)
        files = files.join(F.broadcast(origins.select("directory_id")), "directory_id", how="semi")
    ids = [column.alias(f"{grain}_subject") for grain, column in subjects().items()]
    shown = ("directory_id", "path", "path_bytes", "name", "content_id", "blob_id", "length_bytes")
    first = files.orderBy("path", "directory_id").limit(MAX_FILES + 1).select(*shown, *ids)
    named = origins.select("directory_id", "repo_name", "origin_url", "snapshot_id", "revision_id")
    joined = named.join(F.broadcast(first), "directory_id", how="inner")
    return joined.orderBy("path", "directory_id").collect()


def facts_of(tables: PublishedTables, found: list[Row]) -> Rows:
    """Rows of the tables about the files themselves."""
    directory, path = _among(found, "directory_id"), _among(found, "path")
    blob = _among(found, "blob_id")
    subject_ids = sorted({subject for row in found for _, subject in subjects_of(row)})
    lookups = {
        "ledger": tables.ledger.where(F.col("subject_id").isin(subject_ids)),
        "licenses": tables.licenses.where(directory & path),
        "file_languages": tables.file_languages.select("blob_id", "name", "language").where(
            blob & _among(found, "name")
        ),
        "contents": tables.contents.select("blob_id", "src_encoding").where(blob),
        "near_duplicates": tables.near_duplicates.where(blob),
        "quarantine": tables.quarantine.where(F.col("key").isin(_quarantine_keys(found))),
    }
    if tables.documents is not None:
        documents = tables.documents.where(directory)
        held = documents.select("document_id", "directory_id", F.inline("files"))
        lookups["documents"] = held.where(path)
    return _collect(lookups)


def holders_of(tables: PublishedTables, found: list[Row], facts: Rows) -> Rows:
    """Who else holds the bytes, which files stand for the blobs and for their kept twins.

    And what the detector said of the licence files that the files' decisions rest on.
    """
    near = facts["near_duplicates"]
    kept_ids = sorted({row["kept_blob_id"] for row in near})
    blob_ids = sorted({row["blob_id"] for row in found if row["blob_id"]})
    holders = tables.files.select("blob_id", "directory_id", "path").where(
        F.col("blob_id").isin(blob_ids)
    )
    in_order = Window.partitionBy("blob_id").orderBy("directory_id", "path")
    place = F.row_number().over(in_order)
    copies = holders.withColumn("place", place).where(F.col("place") <= MAX_COPIES + 1)
    representatives = tables.representatives.where(F.col("blob_id").isin([*blob_ids, *kept_ids]))
    chosen = representatives.select("blob_id", "directory_id", "path", F.lit(0).alias("place"))
    origins = tables.origins.select("directory_id", "repo_name", "origin_url")
    named = origins.join(F.broadcast(copies.unionByName(chosen)), "directory_id", how="inner")
    kept = tables.contents.select("blob_id", "content_id").where(F.col("blob_id").isin(kept_ids))
    counts = holders.groupBy("blob_id").agg(F.count("*").alias("num_files"))
    lookups = {"holders": named, "holder_counts": counts, "kept_contents": kept}
    return _collect(lookups | _license_texts(tables, facts["licenses"]))


def _license_texts(tables: PublishedTables, licenses: list[dict[str, Any]]) -> dict[str, DataFrame]:
    """Rows of `license_texts` with the places of the licence files that decisions name."""
    directories = sorted({row["directory_id"] for row in licenses})
    paths = sorted({source["path"] for row in licenses for source in row["license_sources"]})
    if tables.license_texts is None or not paths:
        return {}
    places = tables.files.select("directory_id", "path", "blob_id").where(
        F.col("directory_id").isin(directories) & F.col("path").isin(paths)
    )
    texts = tables.license_texts.select(
        "blob_id", "outcome", "method", "matches", "detector_version"
    )
    return {"license_texts": texts.join(F.broadcast(places), "blob_id", how="inner")}


def near_misses(tables: PublishedTables, target: Target) -> Rows:
    """Files that a target may have meant, and inputs that were never listed, in one job.

    Returns:
        Rows `ledger` (verdicts on origins of that name), `quarantine` (inputs of that name), and
        for a name `paths` (the nearest in the repository that it names), `repositories` and
        `files` (those of nearly that name).
    """
    names = sorted({target.text, *(repo for repo, _ in target.splits)})
    known = [value for value in (target.content_id, target.origin_url) if value is not None]
    on_origin = F.col("grain") == "origin"
    lookups = {
        "ledger": tables.ledger.where(on_origin & _is_named("subject_id", names + known)),
        "quarantine": tables.quarantine.where(_is_named("key", names + known)),
    }
    if target.is_name:
        lookups |= _suggestions(tables, target, names)
    return _collect({name: rows.limit(MAX_SUGGESTIONS) for name, rows in lookups.items()})


def _is_named(column: str, names: Sequence[str]) -> Column:
    """The id is one of the names, or an URL or a path that ends in one."""
    ends = (F.endswith(F.col(column), F.lit(f"/{name}")) for name in names)
    return reduce(or_, ends, F.col(column).isin(list(names)))


def _suggestions(
    tables: PublishedTables, target: Target, names: Sequence[str]
) -> dict[str, DataFrame]:
    origins = tables.origins.select("directory_id", "repo_name", "origin_url")
    is_named = F.col("repo_name").isin(list(names)) | F.col("origin_url").isin(list(names))
    files = tables.files.select("directory_id", "path", "name")
    within = files.join(F.broadcast(origins.where(is_named)), "directory_id", how="inner")
    last = re.split("[/:]", target.text)[-1]
    alike = _nearest(files, "name", [last], MAX_DISTANCE)
    return {
        "paths": _nearest(within, "path", [path for _, path in target.splits] or ["/"]),
        "repositories": _nearest(origins, "repo_name", names, MAX_DISTANCE),
        "files": origins.join(F.broadcast(alike), "directory_id", how="inner"),
    }


def _nearest(
    rows: DataFrame, column: str, wanted: Sequence[str], max_distance: int | None = None
) -> DataFrame:
    """Rows by the edits between a column and the nearest of some texts; case is no edit."""
    value = F.lower(column)
    edits = (F.levenshtein(value, F.lit(text.lower()), max_distance) for text in wanted)
    # a distance over the maximum is -1
    distance = F.array_min(F.filter(F.array(*edits), lambda edit: edit >= 0))
    near = rows.withColumn("distance", distance).where("distance is not null")
    return near.orderBy("distance", column, "directory_id").limit(MAX_SUGGESTIONS)


def _collect(lookups: Mapping[str, DataFrame]) -> Rows:
    """Rows of several small tables in one job."""
    as_json = [
        table.select(F.lit(name).alias("name"), F.to_json(F.struct("*"), WITH_NULLS).alias("row"))
        for name, table in lookups.items()
    ]
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in lookups}
    for row in reduce(DataFrame.unionByName, as_json).collect():
        rows[row["name"]].append(json.loads(row["row"]))
    return rows


def _among(found: list[Row], column: str) -> Column:
    return F.col(column).isin(sorted({row[column] for row in found if row[column] is not None}))


def subjects_of(row: Row) -> list[tuple[str, str]]:
    """(grain, subject) of every verdict that can hold for a file."""
    below = [(grain, row[f"{grain}_subject"]) for grain in GRAINS if grain != "origin"]
    return [("origin", row["origin_url"]), *((g, s) for g, s in below if s is not None)]


def _quarantine_keys(found: list[Row]) -> list[str]:
    ids = {row["content_id"] for row in found}
    return sorted(ids | {f"swh:1:cnt:{content_id}" for content_id in ids})
