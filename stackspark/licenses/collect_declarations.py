"""Files that declare a licence -> one row per folder that they speak for.

Package metadata and licence files speak for every file below their folder. Files that hold such a
declaration are few, so that what is handed on is small, however many files a repository has.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from stackspark.licenses.detector.answers import NO_TEXT, TEXT
from stackspark.licenses.expression_columns import (
    DECLARATION_TYPE,
    class_place,
    must_be_a_license,
    names_a_license,
    with_verdicts,
)
from stackspark.licenses.expressions import MAX_EXPRESSION_CHARS

UNKNOWN_LICENSE = "LicenseRef-scancode-unknown-license-reference"
"""A licence that must not pass for "no licence at all" if no permissive one is beside it."""

DISTRIBUTION_INFO = r"(?s)^(.*/)[^/]+\.(?:dist|egg)-info/(?:licenses/)?$"
"""Folder of an installed distribution's metadata: it is about the package next to it."""


@dataclass(frozen=True, kw_only=True)
class CollectDeclarationsParams:
    """A folder hands on at most `max_declarations`, those that allow least first.

    So the limit never makes a file more permissive.
    """

    max_declarations: int = 32


def collect_declarations(
    files: DataFrame,
    file_languages: DataFrame,
    license_texts: DataFrame,
    params: CollectDeclarationsParams = CollectDeclarationsParams(),
) -> DataFrame:
    """Gather the distinct declarations of each folder.

    A licence file is left out where the package's metadata offers it as one of several choices: a
    package that says MIT OR GPL-2.0-or-later brings both texts, and the choice stands.

    Args:
        files: one row per (`directory_id`, `path`), with `name` and `blob_id`.
        file_languages: `declared_license` of (`blob_id`, `name`).
        license_texts: `part`, `outcome` and `expression` of the `blob_id` of licence files.
        params: the limit.
    Returns:
        One row per (`directory_id`, `base`): `declared`, an array of `DECLARATION_TYPE`, worst
        first. `base` is the folder that is spoken for and ends in a slash.
    Shuffles: files by (blob_id, name), licence files by blob_id; the declaring ones by
        (directory_id, base).
    """
    placed = (
        _metadata(files, file_languages)
        .unionByName(_texts(files, license_texts))
        .withColumn("base", _base())
        .withColumn("place", class_place("license_class"))
    )
    folders = _bounded(placed, params).groupBy("directory_id", "base")
    declarations = F.sort_array(F.collect_list("declaration"))
    return folders.agg(_without_offered(declarations).alias("declared"))


def _metadata(files: DataFrame, file_languages: DataFrame) -> DataFrame:
    """Files of package metadata that declare, with what their expression comes to."""
    declared = file_languages.where(F.col("declared_license").isNotNull()).select(
        "blob_id",
        "name",
        # One char over the limit still tells that the text is too long.
        F.left("declared_license", F.lit(MAX_EXPRESSION_CHARS + 1)).alias("written"),
    )
    evaluated = with_verdicts(declared, "written").drop("written")
    placed = files.select("directory_id", "path", "name", "blob_id")
    return (
        placed.join(evaluated, ["blob_id", "name"], how="inner")
        .drop("blob_id", "name")
        .withColumn("source", F.lit("package_metadata"))
    )


def _texts(files: DataFrame, license_texts: DataFrame) -> DataFrame:
    """Licence files, with what their text comes to.

    A file called LICENSE or COPYING of which nobody knows what it says is `UNKNOWN_LICENSE`: it
    must not pass for "no licence at all".
    """
    expression = F.left("expression", F.lit(MAX_EXPRESSION_CHARS + 1))
    read = license_texts.where((F.col("part") == TEXT) & (F.col("outcome") != NO_TEXT))
    stated = read.select(
        "blob_id",
        F.col("expression").isNotNull().alias("is_known"),
        F.coalesce(expression, F.lit(UNKNOWN_LICENSE)).alias("written"),
    )
    evaluated = with_verdicts(stated, "written").drop("written")
    named = files.where(names_a_license("name")).select(
        "directory_id", "path", "blob_id", must_be_a_license("name").alias("is_a_license")
    )
    return (
        named.join(evaluated, "blob_id", how="inner")
        .where(F.col("is_known") | F.col("is_a_license"))
        .drop("blob_id", "is_known", "is_a_license")
        .withColumn("source", F.lit("license_file"))
    )


def _base() -> Column:
    """The folder that a declaring file speaks for."""
    base_name = F.substring_index("path", "/", -1)
    folder = F.left("path", F.length("path") - F.length(base_name))
    package = F.regexp_extract(folder, DISTRIBUTION_INFO, 1)
    return F.when(package != "", package).otherwise(folder)


def _bounded(placed: DataFrame, params: CollectDeclarationsParams) -> DataFrame:
    """The distinct declarations of a folder, a bounded number of them.

    The window keeps the first rows of a sorted folder and no more in memory.
    """
    says = ["place", "expression", "source", "has_choice", "license_ids"]
    distinct = placed.groupBy("directory_id", "base", *says).agg(F.min("path").alias("path"))
    worst_first = Window.partitionBy("directory_id", "base").orderBy(
        "place", "expression", "source"
    )
    ranked = distinct.withColumn("number", F.row_number().over(worst_first))
    declaration = F.struct("place", "expression", "path", "source", "has_choice", "license_ids")
    return ranked.where(F.col("number") <= params.max_declarations).select(
        "directory_id", "base", declaration.alias("declaration")
    )


def _without_offered(declarations: Column) -> Column:
    offers = F.filter(
        declarations, lambda item: item["has_choice"] & (item["source"] == "package_metadata")
    )

    def is_offered(item: Column) -> Column:
        covers = F.exists(
            offers,
            lambda offer: F.size(F.array_except(_texts_of(item), _texts_of(offer))) == 0,
        )
        is_text = (item["source"] == "license_file") & (F.size(item["license_ids"]) > 0)
        return is_text & covers

    kept = F.filter(declarations, lambda item: ~is_offered(item))
    return F.transform(kept, _narrow)


def _texts_of(item: Column) -> Column:
    """Licences with one text count as one: it does not say whether later ones may be chosen."""
    return F.transform(
        item["license_ids"], lambda name: F.regexp_replace(name, "-(only|or-later)$", "")
    )


def _narrow(item: Column) -> Column:
    names = ("place", "expression", "path", "source")
    return F.struct(*(item[name].alias(name) for name in names)).cast(DECLARATION_TYPE)
