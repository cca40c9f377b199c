"""Reject files with too many or too long lines: data, minified code.

Source: Lozhkov et al. 2024 (The Stack v2), section 3.1 "Basic filters".
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.verdicts import Rule, add_verdicts

PROSE_LANGUAGES = (
    "HTML",
    "JSON",
    "Markdown",
    "Roff",
    "Roff Manpage",
    "SMT",
    "TeX",
    "Text",
    "XML",
)
"""Languages whose lines are paragraphs or records: only a far higher limit makes sense."""


@dataclass(frozen=True, kw_only=True)
class FilterLongLinesParams:
    """Limits of the paper; each is the greatest value that stays."""

    max_num_lines: int = 100_000
    max_avg_line_length: float = 100
    max_line_length: int = 1_000
    prose_languages: tuple[str, ...] = PROSE_LANGUAGES
    max_prose_line_length: int = 100_000


def filter_long_lines(
    named_blobs: DataFrame, params: FilterLongLinesParams = FilterLongLinesParams()
) -> DataFrame:
    """Add the verdicts of rules `num_lines`, `avg_line_length` and `max_line_length`.

    A file of unknown language is held to the limits of code.

    Args:
        named_blobs: one row per (`blob_id`, `name`) with `language` and the metrics of lines.
        params: the limits.
    Returns:
        The same rows with `verdicts`.
    """
    is_prose = F.coalesce(F.col("language").isin(*params.prose_languages), F.lit(False))
    longest = F.when(is_prose, params.max_prose_line_length).otherwise(params.max_line_length)
    rules = [
        _rule("num_lines", F.lit(params.max_num_lines)),
        _rule("avg_line_length", F.when(~is_prose, F.lit(params.max_avg_line_length))),
        _rule("max_line_length", longest),
    ]
    return add_verdicts(named_blobs, "filter_long_lines", rules)


def _rule(metric: str, limit: Column) -> Rule:
    """The rule has its metric's name; no limit, no verdict."""
    return Rule(name=metric, fails=F.col(metric) > limit, value=F.col(metric), limit=limit)
