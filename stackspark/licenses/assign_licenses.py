"""Declarations of licences -> `licenses`: what applies to each file, and what follows from it.

A file's own SPDX tag speaks for that file; a folder's declarations for every file below it; GitHub
for the whole root. Under policy `nearest` the closest of them decides, so that a vendored library
keeps its own licence whatever stands above it; what licenses nothing, such as a disclaimer, and a
header's mere reference to a licence decide only where nothing else does. Under `union`, the rule of
The Stack v2, a file answers for all of them at once.

Source: Lozhkov et al. 2024 (The Stack v2), section 2.2 and figure 1; expressions are evaluated
(of MIT OR GPL-2.0-only the better one counts) instead of searched for names.
"""

from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract
from stackspark.licenses.detector.scancode import REFERENCES
from stackspark.licenses.expression_columns import (
    DECLARATION_TYPE,
    NON_PERMISSIVE,
    PERMISSIVE,
    UNKNOWN,
    WORST_FIRST,
    class_place,
    declares,
    with_verdicts,
)
from stackspark.licenses.expressions import NOT_A_LICENSE, permissive_names

Policy = Literal["nearest", "union"]
Conflicts = Literal["strictest", "metadata", "text"]
METADATA_CONFLICT, GITHUB_CONFLICT = "metadata_against_text", "github_against_declared"
FOLDER = ["directory_id", "folder"]
MAX_DEPTH = 65
"""Folders above a file, the root among them: listing goes 64 components deep."""

REASONS = {
    "github_permissive": "permissive",
    "github_non_permissive": "non_permissive",
    "github_unidentified": "non_permissive",
    "declared_permissive": "permissive",
    "declared_non_permissive": "non_permissive",
    "declared_unknown": "non_permissive",
    "declared_not_a_license": "no_license",
    "nothing_declared": "no_license",
}
"""Step of the decision tree -> `license_type`."""


@dataclass(frozen=True, kw_only=True)
class AssignLicensesParams:
    """How declarations combine.

    Attributes:
        policy: nearest or union.
        conflicts: who is believed where a package's metadata allows what its licence texts do not,
            or the other way round: metadata, text, or strictest, whichever allows less.
        max_declarations: a file answers for so many, those that allow least first.
    """

    policy: Policy = "nearest"
    conflicts: Conflicts = "strictest"
    max_declarations: int = 32


def assign_licenses(
    files: DataFrame,
    declarations: DataFrame,
    measurements: DataFrame,
    origins: DataFrame,
    params: AssignLicensesParams = AssignLicensesParams(),
    *,
    headers: DataFrame | None = None,
) -> DataFrame:
    """Decide the licence of every file.

    Args:
        files: one row per (`directory_id`, `path`), with `blob_id`.
        declarations: `declared` of each (`directory_id`, `base`), as `collect_declarations` has it.
        measurements: `spdx_license_tag` of `blob_id`.
        origins: `gha_license_id` of `directory_id`.
        params: the policy.
        headers: `expression` that the first lines of `blob_id` state; speaks for the file where it
            has no SPDX tag.
    Returns:
        Rows of `licenses` in contract order, one per file.
    Shuffles: files twice, by blob_id and by (directory_id, folder), with ids and paths only.
        Folders, not files, are exploded into their ancestors.
    """
    entries = files.select("directory_id", "path", "blob_id", _folder().alias("folder"))
    folders = _folders(entries, declarations, origins, params)
    rows = (
        entries.join(_tags(measurements, headers), "blob_id", how="left")
        .join(folders, FOLDER, how="left")
        .transform(_combined, params)
        .transform(_settled, params)
        .withColumn("license_reason", _reason())
    )
    return rows.select(*_contract_columns())


def _folder() -> Column:
    """The folder of a path, with the slash at its end."""
    base_name = F.substring_index("path", "/", -1)
    return F.left("path", F.length("path") - F.length(base_name))


def _tags(measurements: DataFrame, headers: DataFrame | None) -> DataFrame:
    """A blob's statement about itself: its tag, else its header."""
    stated = measurements.where(F.col("spdx_license_tag").isNotNull()).select(
        "blob_id", F.col("spdx_license_tag").alias("written"), F.lit("spdx_tag").alias("source")
    )
    if headers is not None:
        untagged = headers.join(stated, "blob_id", how="left_anti")
        written = F.col("expression").alias("written")
        others = untagged.select("blob_id", written, F.lit("file_header").alias("source"))
        stated = stated.unionByName(others)
    verdicts = with_verdicts(stated, "written")
    tag = F.struct(class_place("license_class").alias("place"), "expression", "source")
    return verdicts.select("blob_id", tag.alias("tag"))


def _folders(
    entries: DataFrame, declarations: DataFrame, origins: DataFrame, params: AssignLicensesParams
) -> DataFrame:
    """One row per folder that holds a file: what GitHub and the folders above it declare."""
    folders = entries.select(*FOLDER).distinct()
    above = (
        folders.select(*FOLDER, F.explode(_ancestors()).alias("base"))
        .join(declarations, ["directory_id", "base"], how="inner")
        .groupBy(*FOLDER)
        .agg(_inherited(params).alias("declared"), _nearest(F.length("base")).alias("base_chars"))
    )
    github = origins.select("directory_id", "gha_license_id")
    return folders.join(github, "directory_id", how="left").join(above, FOLDER, how="left")


def _ancestors() -> Column:
    """Every folder from the root down to `folder`, which ends in a slash."""
    parts = F.split("folder", "/")
    depths = F.sequence(F.lit(1), F.least(F.size(parts) - 1, F.lit(MAX_DEPTH)))
    return F.transform(
        depths, lambda depth: F.concat(F.array_join(F.slice(parts, 1, depth), "/"), F.lit("/"))
    )


def _inherited(params: AssignLicensesParams) -> Column:
    if params.policy == "nearest":
        return _nearest(F.col("declared"))
    everything = F.array_sort(F.flatten(F.collect_list("declared")))
    return F.slice(everything, 1, params.max_declarations)


def _nearest(value: Column) -> Column:
    """The value of the nearest folder that declares a licence, else anything."""
    return F.max_by(value, F.struct(_has_license("declared"), F.length("base")))


def _combined(rows: DataFrame, params: AssignLicensesParams) -> DataFrame:
    """The declarations that count for a file, and GitHub's word where it does."""
    is_tagged = F.col("tag").isNotNull()
    tag = F.struct("tag.place", "tag.expression", "path", "tag.source").cast(DECLARATION_TYPE)
    own = F.array_compact(F.array(F.when(is_tagged, tag)))
    decides = _has_license(own) & ~F.coalesce(_is_reference(), F.lit(False))
    inherited = F.coalesce("declared", F.array().cast(f"array<{DECLARATION_TYPE}>"))
    if params.policy == "union":
        declared, asks_github = F.concat(inherited, own), F.lit(True)
    else:
        speaks_last = decides | (F.size(inherited) == 0)
        declared = F.when(speaks_last, own).otherwise(inherited)
        # GitHub speaks for the root: a licence nearer than the root overrules it.
        is_nearer = _has_license(inherited) & (F.col("base_chars") > 1)
        asks_github = ~decides & ~is_nearer
    github = F.when(asks_github, F.col("gha_license_id"))
    return rows.withColumn("declared", declared).withColumn("github", github)


def _settled(rows: DataFrame, params: AssignLicensesParams) -> DataFrame:
    """Name the contradictions, and leave out the side that is not believed."""
    by_metadata, by_text = _declared_by("package_metadata"), _declared_by("license_file")
    is_conflict = _contradicts(by_metadata, by_text) | _contradicts(by_text, by_metadata)
    is_permitted = F.lower("github").isin(*sorted(permissive_names()))
    is_declared = declares("declared", PERMISSIVE) & ~declares("declared", NON_PERMISSIVE)
    is_identified = F.lower("github") != "noassertion"
    overruled = F.when(is_permitted, declares("declared", NON_PERMISSIVE)).otherwise(
        is_identified & is_declared
    )
    conflicts = F.array(
        F.when(overruled, F.lit(GITHUB_CONFLICT)), F.when(is_conflict, F.lit(METADATA_CONFLICT))
    )
    named = rows.withColumn("license_conflicts", F.array_compact(conflicts))
    if params.conflicts == "strictest":
        return named
    refuted = "license_file" if params.conflicts == "metadata" else "package_metadata"
    others = F.filter("declared", lambda item: item["source"] != refuted)
    return named.withColumn("declared", F.when(is_conflict, others).otherwise(F.col("declared")))


def _has_license(declarations: str | Column) -> Column:
    nothing = WORST_FIRST.index(NOT_A_LICENSE)
    return F.exists(declarations, lambda item: item["place"] != nothing)


def _is_reference() -> Column:
    """Whether a header says no more than that there is a licence somewhere."""
    is_named = F.col("tag.expression").isin(*sorted(REFERENCES))
    return (F.col("tag.source") == "file_header") & is_named


def _declared_by(source: str) -> Column:
    return F.filter("declared", lambda item: item["source"] == source)


def _contradicts(one: Column, other: Column) -> Column:
    """One side names a licence that is not permissive, the other permissive ones only."""
    return (
        declares(one, NON_PERMISSIVE)
        & declares(other, PERMISSIVE)
        & ~declares(other, NON_PERMISSIVE)
    )


def _reason() -> Column:
    """The step of the decision tree that decides: GitHub's word, then the declarations."""
    github = F.lower("github")
    is_unidentified = github == "noassertion"
    return (
        F.when(github.isin(*sorted(permissive_names())), "github_permissive")
        .when(github.isNotNull() & ~is_unidentified, "github_non_permissive")
        .when(declares("declared", NON_PERMISSIVE), "declared_non_permissive")
        # What cannot be understood does not outweigh a permissive licence beside it.
        .when(declares("declared", PERMISSIVE), "declared_permissive")
        .when(declares("declared", UNKNOWN), "declared_unknown")
        .when(F.size("declared") > 0, "declared_not_a_license")
        .when(is_unidentified, "github_unidentified")
        .otherwise("nothing_declared")
    )


def _contract_columns() -> list[Column]:
    types = F.create_map(*(F.lit(text) for pair in REASONS.items() for text in pair))
    expressions = F.transform("declared", lambda item: item["expression"])
    github = F.when(
        F.col("github").isNotNull(), _source(F.lit("/"), F.col("github"), F.lit("github"))
    )
    sources = F.transform(
        "declared", lambda item: _source(item["path"], item["expression"], item["source"])
    )
    values = {
        "detected_licenses": F.array_sort(F.array_distinct(expressions)),
        "license_type": types[F.col("license_reason")],
        "license_sources": F.concat(F.array_compact(F.array(github)), F.array_sort(sources)),
    }
    names = table_contract("licenses").column_names
    return [values.get(name, F.col(name)).alias(name) for name in names]


def _source(path: Column, expression: Column, source: Column) -> Column:
    return F.struct(path.alias("path"), expression.alias("expression"), source.alias("source"))
