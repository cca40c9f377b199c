"""How verdicts come about: the rules over the tables, and the last word on every file.

Plain composition of stages over named tables; a run uses it on what it made, `explain` on what was
published.
"""

from collections.abc import Mapping
from itertools import chain

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.kernels.languages import language_families
from stackspark.near_duplicates.params import NearDuplicatesParams
from stackspark.recipe import FiltersParams
from stackspark.rules import NEAR_DUPLICATE_RULES
from stackspark.stages.filter_contaminated import filter_contaminated
from stackspark.stages.filter_data_languages import filter_data_languages
from stackspark.stages.filter_encoded_data import filter_encoded_data
from stackspark.stages.filter_entries import filter_entries
from stackspark.stages.filter_generated import filter_generated
from stackspark.stages.filter_generated_paths import filter_generated_paths
from stackspark.stages.filter_html import filter_html
from stackspark.stages.filter_languages import filter_languages
from stackspark.stages.filter_letters import filter_letters
from stackspark.stages.filter_licenses import filter_licenses
from stackspark.stages.filter_long_lines import filter_long_lines
from stackspark.stages.filter_statuses import FilterStatusesParams, filter_statuses
from stackspark.stages.filter_text_files import filter_text_files
from stackspark.stages.gather_blobs import gather_blobs
from stackspark.stages.gather_files import gather_files
from stackspark.stages.gather_named_blobs import gather_named_blobs
from stackspark.stages.list_verdicts import list_verdicts
from stackspark.stages.resolve_verdicts import resolve_verdicts
from stackspark.stages.select_representatives import (
    SelectRepresentativesParams,
    select_representatives,
)

Tables = Mapping[str, DataFrame]


def rule_verdicts(tables: Tables, filters: FiltersParams, max_text_bytes: int) -> DataFrame:
    """Apply every rule that looks at one file, one blob, or a blob under a name.

    Returns:
        Rows of `ledger` for what the files of this run hold; other blobs of the lake are left out.
    """
    files = tables["files"]
    blobs = files.select("blob_id").distinct()
    named = files.select("blob_id", "name").distinct()
    contents = tables["contents"].drop("content").join(blobs, "blob_id", how="left_semi")
    languages = tables["file_languages"].join(named, ["blob_id", "name"], how="left_semi")
    measurements = tables["measurements"]
    of_blobs = (
        gather_blobs(contents, measurements)
        .transform(filter_statuses, FilterStatusesParams(max_length_bytes=max_text_bytes))
        .transform(filter_encoded_data, filters.encoded_data)
        .transform(filter_contaminated, filters.contamination)
    )
    of_named = (
        gather_named_blobs(languages, measurements)
        .transform(filter_languages, filters.languages)
        .transform(filter_long_lines, filters.long_lines)
        .transform(filter_generated)
        .transform(filter_letters, filters.letters)
        .transform(filter_data_languages, filters.data_languages)
        .transform(filter_html, filters.html)
        .transform(filter_text_files, filters.text_files)
    )
    of_files = (
        gather_files(files, tables["licenses"])
        .transform(filter_entries)
        .transform(filter_generated_paths)
        .transform(filter_licenses, filters.licenses)
    )
    return (
        list_verdicts(of_blobs, "blob")
        .unionByName(list_verdicts(of_named, "named_blob"))
        .unionByName(list_verdicts(of_files, "file"))
    )


def without_duplicates(ledger: DataFrame) -> DataFrame:
    """The verdicts of the rules that decide before duplicates are looked for."""
    return ledger.where(~F.col("rule").isin(*NEAR_DUPLICATE_RULES))


def resolved(tables: Tables, verdicts: DataFrame) -> DataFrame:
    """What became of each file before duplicates are looked at; see `resolve_verdicts`."""
    return resolve_verdicts(tables["files"], tables["file_languages"], tables["origins"], verdicts)


def representatives(tables: Tables, params: SelectRepresentativesParams) -> DataFrame:
    """The file that stands for each surviving blob of a published run; `params` are the run's."""
    verdicts = resolved(tables, without_duplicates(tables["ledger"]))
    return select_representatives(verdicts, tables["licenses"], tables["origins"], params)


def near_duplicate_candidates(
    chosen: DataFrame,
    measurements: DataFrame,
    params: NearDuplicatesParams,
    published: DataFrame | None = None,
) -> DataFrame:
    """What `find_near_duplicates` takes, from the representatives of the blobs.

    `published` has the documents whose blobs stay.
    """
    scopes = {
        "language": F.coalesce("language", F.lit("")),
        "language_family": _language_family(),
        "repository": F.col("directory_id"),
        "corpus": F.lit(""),
    }
    ranked = chosen.select("blob_id", scopes[params.scope].alias("scope"), "keep_order")
    if published is not None:
        kept = published.select(F.explode("files.blob_id").alias("blob_id")).distinct()
        marked = kept.withColumn("is_published", F.lit(True))
        ranked = ranked.join(marked, "blob_id", how="left").fillna(False, ["is_published"])
    measured = measurements.select("blob_id", "normalized_hash", "band_hashes", "signature")
    return ranked.join(measured, "blob_id", how="inner")


def _language_family() -> Column:
    """The family of the representative's language; the language itself where it is in none."""
    pairs = chain.from_iterable(language_families().items())
    families = F.create_map(*map(F.lit, pairs))
    return F.coalesce(families[F.col("language")], "language", F.lit(""))
