"""Reject HTML that shows too little text for its markup.

Source: Lozhkov et al. 2024 (The Stack v2), section 3.1 "Language-specific filters".
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.verdicts import Rule, add_verdicts


@dataclass(frozen=True, kw_only=True)
class FilterHtmlParams:
    """Limits of the paper, the least values that stay."""

    min_visible_chars: int = 100
    min_visible_fraction: float = 0.2


def filter_html(named_blobs: DataFrame, params: FilterHtmlParams = FilterHtmlParams()) -> DataFrame:
    """Add the verdict of rule `html_visible_text`.

    Args:
        named_blobs: one row per (`blob_id`, `name`) with `language`, `visible_chars`, `num_chars`.
        params: the limits.
    Returns:
        The same rows with `verdicts`; the limit is the higher one of the two, in chars.
    """
    visible = F.col("visible_chars")
    least = F.greatest(
        F.lit(float(params.min_visible_chars)),
        F.col("num_chars") * F.lit(params.min_visible_fraction),
    )
    rule = Rule(
        name="html_visible_text",
        fails=(F.col("language") == "HTML") & (visible < least),
        value=visible,
        limit=least,
    )
    return add_verdicts(named_blobs, "filter_html", [rule])
