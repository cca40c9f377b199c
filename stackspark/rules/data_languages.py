"""Reject long files of languages that mostly hold data.

Source: Lozhkov et al. 2024 (The Stack v2), section 3.1 "Language-specific filters".
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.verdicts import Rule, add_verdicts


@dataclass(frozen=True, kw_only=True)
class FilterDataLanguagesParams:
    """Languages and limit of the paper; the limit is the greatest value that stays."""

    data_languages: tuple[str, ...] = (
        "Graphviz (DOT)",
        "JSON",
        "Text",
        "Web Ontology Language",
        "YAML",
    )
    max_data_lines: int = 512


def filter_data_languages(
    named_blobs: DataFrame, params: FilterDataLanguagesParams = FilterDataLanguagesParams()
) -> DataFrame:
    """Add the verdict of rule `data_language_lines`.

    Args:
        named_blobs: one row per (`blob_id`, `name`) with `language` and `num_lines`.
        params: languages and limit.
    Returns:
        The same rows with `verdicts`.
    """
    lines = F.col("num_lines")
    rule = Rule(
        name="data_language_lines",
        fails=F.col("language").isin(*params.data_languages) & (lines > params.max_data_lines),
        value=lines,
        limit=params.max_data_lines,
    )
    return add_verdicts(named_blobs, "filter_data_languages", [rule])
