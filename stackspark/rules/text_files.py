"""Reject plain text that is not documentation by its name.

Source: Lozhkov et al. 2024 (The Stack v2), section 3.1 "Language-specific filters".
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.verdicts import Rule, add_verdicts


@dataclass(frozen=True, kw_only=True)
class FilterTextFilesParams:
    """Names of the paper, in lower case: a part of the name, or the name without its extension."""

    kept_name_parts: tuple[str, ...] = ("requirement",)
    kept_names: tuple[str, ...] = ("readme", "notes", "todo", "description", "cmakelists")


def filter_text_files(
    named_blobs: DataFrame, params: FilterTextFilesParams = FilterTextFilesParams()
) -> DataFrame:
    """Add the verdict of rule `text_file_name`.

    Args:
        named_blobs: one row per (`blob_id`, `name`) with `language`.
        params: the names that stay.
    Returns:
        The same rows with `verdicts`; the name is the evidence.
    """
    name = F.lower("name")
    # A dot at the start does not begin an extension.
    stem = F.regexp_replace(name, r"(?s)^(.+)\.[^.]*$", "$1")
    stays = stem.isin(*params.kept_names)
    for part in params.kept_name_parts:
        stays = stays | name.contains(part)
    fails = (F.col("language") == "Text") & ~stays
    rule = Rule(name="text_file_name", fails=fails, evidence=F.col("name"))
    return add_verdicts(named_blobs, "filter_text_files", [rule])
