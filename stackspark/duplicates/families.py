"""Families of duplicates: a file that stays, and what went because it stays."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from stackspark.rules.catalog import NEAR_DUPLICATE_RULES


@dataclass(frozen=True, kw_only=True)
class NamedFile:
    """One file that holds a blob, for people."""

    blob_id: str
    repo_name: str
    path: str
    language: str | None = None
    similarity: float | None = None


@dataclass(frozen=True, kw_only=True)
class FamilyRow:
    """A kept file and what went because it stays; `kind` is near (blobs) or exact (files)."""

    kind: str
    kept: NamedFile
    num_members: int
    examples: tuple[NamedFile, ...]


def largest_families(
    near_duplicates: DataFrame, file_verdicts: DataFrame, origins: DataFrame, top: int = 20
) -> DataFrame:
    """Find the kept blobs that stand for most removed ones.

    Args:
        near_duplicates: (`blob_id`, `kept_blob_id`, `similarity`).
        file_verdicts: one row per file.
        origins: (`directory_id`, `repo_name`).
        top: number of families.
    Returns:
        Up to three rows per family (`kept_blob_id`, `num_members`, `place`, `blob_id`,
        `similarity`, `repo_name`, `path`, `language`): place 0 is the kept twin, 1 the least
        similar of its members (in blobs), 2 the most similar.
    """
    member = F.struct("similarity", "blob_id")
    families = (
        near_duplicates.groupBy("kept_blob_id")
        .agg(
            F.count("*").alias("num_members"),
            F.min(member).alias("least"),
            F.max(member).alias("most"),
        )
        .orderBy(F.desc("num_members"), "kept_blob_id")
        .limit(top)
    )
    shown = families.select(
        "kept_blob_id",
        "num_members",
        F.inline(
            F.array(
                _place(0, F.col("kept_blob_id"), F.lit(None).cast("double")),
                _place(1, F.col("least.blob_id"), F.col("least.similarity")),
                _place(2, F.col("most.blob_id"), F.col("most.similarity")),
            )
        ),
    )
    holder = F.min(F.struct(_standing(), "directory_id", "path", "language")).alias("holder")
    keys = ["kept_blob_id", "num_members", "place", "blob_id", "similarity"]
    names = ["blob_id", "directory_id", "path", "language", "status", "cause"]
    files = file_verdicts.select(*names)
    held = files.join(F.broadcast(shown), "blob_id", how="inner")
    return _with_repo(held.groupBy(*keys).agg(holder).select(*keys, "holder.*"), origins)


def most_copied(file_verdicts: DataFrame, origins: DataFrame, top: int = 20) -> DataFrame:
    """Find the contents that most files repeated byte for byte.

    Returns:
        Rows as of `largest_families`; members are removed files, all of one blob, and places 1
        and 2 the first and the last of them by directory and path.
    """
    is_copy = F.col("cause") == "exact_duplicate"
    counted = file_verdicts.where(is_copy).groupBy("blob_id").agg(F.count("*").alias("num_members"))
    copied = counted.orderBy(F.desc("num_members"), "blob_id").limit(top)
    holder = F.struct(_standing(), "directory_id", "path", "language")
    chosen = (
        file_verdicts.join(F.broadcast(copied), "blob_id", how="inner")
        .groupBy("blob_id", "num_members")
        .agg(
            F.min(holder).alias("kept"),
            F.min(F.when(is_copy, holder)).alias("first"),
            F.max(F.when(is_copy, holder)).alias("last"),
        )
    )
    holders = [_holder(place, name) for place, name in enumerate(("kept", "first", "last"))]
    rows = chosen.select(
        F.col("blob_id").alias("kept_blob_id"),
        "num_members",
        "blob_id",
        F.lit(1.0).alias("similarity"),
        F.inline(F.array(*holders)),
    )
    return _with_repo(rows, origins)


def families(kind: str, rows: Iterable[Row]) -> tuple[FamilyRow, ...]:
    """Families, largest first, from rows of `largest_families` (near) or `most_copied` (exact)."""
    grouped: dict[tuple[int, str], dict[int, NamedFile]] = defaultdict(dict)
    for row in rows:
        members = grouped[-row["num_members"], row["kept_blob_id"]]
        members[row["place"]] = NamedFile(
            blob_id=row["blob_id"],
            repo_name=row["repo_name"],
            path=row["path"],
            language=row["language"],
            similarity=row["similarity"] if row["place"] else None,
        )
    return tuple(
        FamilyRow(
            kind=kind,
            kept=members[0],
            num_members=-count,
            examples=tuple(dict.fromkeys(members[place] for place in (1, 2) if place in members)),
        )
        for (count, _), members in sorted(grouped.items(), key=_key)
        if 0 in members
    )


def _key(item: tuple[tuple[int, str], object]) -> tuple[int, str]:
    return item[0]


def _place(place: int, blob_id: Column, similarity: Column) -> Column:
    return F.struct(
        F.lit(place).alias("place"), blob_id.alias("blob_id"), similarity.alias("similarity")
    )


def _holder(place: int, name: str) -> Column:
    names = ("directory_id", "path", "language")
    return F.struct(F.lit(place).alias("place"), *(F.col(f"{name}.{n}").alias(n) for n in names))


def _standing() -> Column:
    """Which file speaks for a blob: the kept one, else the one that stood for it to the last."""
    was_last = F.col("cause").isin(*NEAR_DUPLICATE_RULES)
    is_kept = F.col("status") == "kept"
    return F.when(is_kept, 0).when(was_last, 1).otherwise(2).alias("standing")


def _with_repo(rows: DataFrame, origins: DataFrame) -> DataFrame:
    """Name the repositories of a few rows."""
    named = origins.select("directory_id", "repo_name").join(
        F.broadcast(rows), "directory_id", how="inner"
    )
    names = ("place", "blob_id", "similarity", "repo_name", "path", "language")
    return named.select("kept_blob_id", "num_members", *names)
