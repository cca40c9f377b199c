"""Requests to be left out x origins and files -> rows of `ledger`.

Origins are asked about before anything of them is read, so that an opted-out repository is not even
listed; contents and paths once they are listed, so that their bytes are not fetched.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from stackspark.ledger.subjects import file_subject
from stackspark.opt_outs.keys import origin_keys_array
from stackspark.rules.declared.opt_outs import OPT_OUT
from stackspark.rules.verdicts import VERDICT_COLUMNS, verdict_columns

ORIGIN_SWHIDS = {"dir": "directory_id", "rev": "revision_id", "snp": "snapshot_id"}


@dataclass(frozen=True, kw_only=True)
class MatchOptOutsParams:
    """`covers_copies`: a request also covers the origins that share its repository's content.

    These are forks, mirrors and renamed repositories, seen by an equal root directory or GitHub id.
    """

    covers_copies: bool = True


def match_opt_outs(
    origins: DataFrame, requests: DataFrame, params: MatchOptOutsParams = MatchOptOutsParams()
) -> DataFrame:
    """Find the origins that a request of kind repository, owner or swhid covers.

    Args:
        origins: `origin_url`, `repo_name`, `directory_id`, `revision_id`, `snapshot_id`,
            `github_id`; best with every origin known, the unselected copies of a root too.
        requests: rows of `OptOutRequest`.
        params: whether copies are covered.
    Returns:
        Rows with `VERDICT_COLUMNS`, one per origin; evidence is the least request, and of a
        copy the URL that it is a copy of.
    Shuffles: keys of origins against the few requests, then the few origins that match.
    """
    keyed = _keyed(origins)
    named = requests.where(F.col("kind") != "path").select(
        F.concat_ws(":", "kind", "value").alias("key"), "request_id"
    )
    direct = (
        keyed.join(named, "key", how="inner")
        .groupBy("origin_url", "directory_id", "github_id")
        .agg(F.min("request_id").alias("request_id"))
    )
    found = direct.select("origin_url", _found(0, "request_id"))
    if params.covers_copies:
        for same in ("directory_id", "github_id"):
            found = found.unionByName(_copies(origins, direct, same))
    best = found.groupBy("origin_url").agg(F.min("found")["evidence"].alias("request_id"))
    return _ledger(best, "origin", F.col("origin_url"))


def match_file_opt_outs(files: DataFrame, origins: DataFrame, requests: DataFrame) -> DataFrame:
    """Find the contents and paths that a request of kind swhid or path covers.

    Args:
        files: `directory_id`, `path`, `content_id`.
        origins: the origins of the files, as in `match_opt_outs`.
        requests: rows of `OptOutRequest`.
    Returns:
        Rows with `VERDICT_COLUMNS` at grain content and file; evidence is the least request.
    Shuffles: files against the few requests, which Spark broadcasts.
    """
    contents = requests.where(F.col("kind") == "swhid").select(
        F.col("value").alias("swhid"), "request_id"
    )
    named = files.select(F.concat(F.lit("swh:1:cnt:"), "content_id").alias("swhid"), "content_id")
    hits = named.join(contents, "swhid", how="inner")
    by_content = _ledger(hits, "content", F.col("content_id"))
    patterns = requests.where(F.col("kind") == "path")
    hits = _in_repositories(files, origins, patterns).unionByName(_anywhere(files, patterns))
    return by_content.unionByName(_ledger(hits, "file", file_subject()))


def _in_repositories(files: DataFrame, origins: DataFrame, patterns: DataFrame) -> DataFrame:
    """Files that a request limited to a repository or owner covers."""
    limited = patterns.where(F.col("repository").isNotNull()).select(
        F.explode(
            F.array(
                F.concat(F.lit("repository:"), "repository"),
                F.concat(F.lit("owner:"), "repository"),
            )
        ).alias("key"),
        "request_id",
        "pattern",
    )
    matched = _keyed(origins).join(limited, "key", how="inner")
    matched = matched.select("directory_id", "request_id", "pattern").distinct()
    hits = files.select("directory_id", "path").join(matched, "directory_id", how="inner")
    return hits.where(F.rlike("path", F.col("pattern"))).drop("pattern")


def _anywhere(files: DataFrame, patterns: DataFrame) -> DataFrame:
    """Files that a request without a repository covers.

    One pattern made of all is tried first: the same for every row, so it is compiled once.
    """
    pattern = F.struct("request_id", "pattern")
    anywhere = patterns.where(F.col("repository").isNull()).agg(
        F.sort_array(F.collect_list(pattern)).alias("patterns")
    )
    alternatives = F.array_join(F.transform("patterns", lambda item: item["pattern"]), "|")
    anywhere = anywhere.select("patterns", F.nullif(alternatives, F.lit("")).alias("any_pattern"))
    hits = files.select("directory_id", "path").join(anywhere, how="cross")
    covering = F.filter("patterns", lambda item: F.rlike(F.col("path"), item["pattern"]))
    return hits.where(F.rlike("path", F.col("any_pattern"))).select(
        "directory_id", "path", covering[0]["request_id"].alias("request_id")
    )


def _ledger(hits: DataFrame, grain: str, subject: Column) -> DataFrame:
    best = hits.groupBy(subject.alias("subject_id")).agg(F.min("request_id").alias("request_id"))
    return best.select(
        F.lit(grain).alias("grain"),
        "subject_id",
        *verdict_columns(OPT_OUT, evidence=F.col("request_id")),
    ).select(*VERDICT_COLUMNS)


def _keyed(origins: DataFrame) -> DataFrame:
    """One row per origin and key (``repository:…``, ``owner:…``, ``swhid:…``) that names it."""
    columns = ("origin_url", "repo_name", "directory_id", "revision_id", "snapshot_id", "github_id")
    rows = origins.select(*columns)
    schema = T.StructType([*rows.schema.fields, T.StructField("keys", T.ArrayType(T.StringType()))])
    swhids = F.array_compact(F.array(*(_swhid(*pair) for pair in ORIGIN_SWHIDS.items())))
    keyed = rows.mapInArrow(_append_keys, schema)
    return keyed.withColumn("key", F.explode(F.concat("keys", swhids))).drop("keys")


def _append_keys(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        keys = origin_keys_array(batch.column("origin_url"), batch.column("repo_name"))
        yield pa.RecordBatch.from_arrays(
            [*batch.columns, keys], names=[*batch.schema.names, "keys"]
        )


def _swhid(kind: str, column: str) -> Column:
    """Null where the origin has no such object."""
    return F.concat(F.lit(f"swhid:swh:1:{kind}:"), F.col(column))


def _copies(origins: DataFrame, direct: DataFrame, same: str) -> DataFrame:
    matched = (
        direct.where(F.col(same).isNotNull())
        .groupBy(same)
        .agg(F.min(F.struct("request_id", "origin_url")).alias("first"))
    )
    copies = origins.select("origin_url", same).join(matched, same, how="inner")
    evidence = F.concat("first.request_id", F.lit(", copy of "), "first.origin_url")
    return copies.select("origin_url", _found(1, evidence))


def _found(distance: int, evidence: Column | str) -> Column:
    """The request that covers an origin; one of its own comes before that of a copy."""
    text = F.col(evidence) if isinstance(evidence, str) else evidence
    return F.struct(F.lit(distance).alias("distance"), text.alias("evidence")).alias("found")
