"""How verdicts come about: the rules over the tables, and the last word on every file.

Plain composition of stages over named tables; a run uses it on what it made, `explain` on what was
published.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.list_verdicts import list_verdicts
from stackspark.ledger.resolve_verdicts import resolve_verdicts
from stackspark.ledger.verdicts import NEAR_DUPLICATE_RULES
from stackspark.rules.contaminated import FilterContaminatedParams, filter_contaminated
from stackspark.rules.data_languages import FilterDataLanguagesParams, filter_data_languages
from stackspark.rules.encoded_data import FilterEncodedDataParams, filter_encoded_data
from stackspark.rules.entries import filter_entries
from stackspark.rules.gather_blobs import gather_blobs
from stackspark.rules.gather_files import gather_files
from stackspark.rules.gather_named_blobs import gather_named_blobs
from stackspark.rules.generated import filter_generated
from stackspark.rules.generated_paths import filter_generated_paths
from stackspark.rules.html import FilterHtmlParams, filter_html
from stackspark.rules.languages import FilterLanguagesParams, filter_languages
from stackspark.rules.letters import FilterLettersParams, filter_letters
from stackspark.rules.licenses import FilterLicensesParams, filter_licenses
from stackspark.rules.long_lines import FilterLongLinesParams, filter_long_lines
from stackspark.rules.statuses import FilterStatusesParams, filter_statuses
from stackspark.rules.text_files import FilterTextFilesParams, filter_text_files

Tables = Mapping[str, DataFrame]


@dataclass(frozen=True, kw_only=True)
class FiltersParams:
    """Limits of the quality rules; every one is a key of the recipe."""

    licenses: FilterLicensesParams = field(default_factory=FilterLicensesParams)
    languages: FilterLanguagesParams = field(default_factory=FilterLanguagesParams)
    long_lines: FilterLongLinesParams = field(default_factory=FilterLongLinesParams)
    letters: FilterLettersParams = field(default_factory=FilterLettersParams)
    encoded_data: FilterEncodedDataParams = field(default_factory=FilterEncodedDataParams)
    data_languages: FilterDataLanguagesParams = field(default_factory=FilterDataLanguagesParams)
    html: FilterHtmlParams = field(default_factory=FilterHtmlParams)
    text_files: FilterTextFilesParams = field(default_factory=FilterTextFilesParams)
    contamination: FilterContaminatedParams = field(default_factory=FilterContaminatedParams)


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
