"""Reject files with few letters: tables of numbers, dumps, drawings.

Source: Lozhkov et al. 2024 (The Stack v2), section 3.1 "Basic filters".
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.verdicts import Rule, add_verdicts


@dataclass(frozen=True, kw_only=True)
class FilterLettersParams:
    """Limits of the paper, the least value that stays; assembly counts digits as letters."""

    min_alpha_fraction: float = 0.25
    alphanum_languages: tuple[str, ...] = ("Motorola 68K Assembly", "WebAssembly")
    min_alphanum_fraction: float = 0.25


def filter_letters(
    named_blobs: DataFrame, params: FilterLettersParams = FilterLettersParams()
) -> DataFrame:
    """Add the verdicts of rules `alpha_fraction` and `alphanum_fraction`.

    A file of unknown language is tested on its letters.

    Args:
        named_blobs: one row per (`blob_id`, `name`) with `language` and both fractions.
        params: the limits.
    Returns:
        The same rows with `verdicts`.
    """
    by_alphanum = F.coalesce(F.col("language").isin(*params.alphanum_languages), F.lit(False))
    alpha, alphanum = F.col("alpha_fraction"), F.col("alphanum_fraction")
    rules = [
        Rule(
            name="alpha_fraction",
            fails=~by_alphanum & (alpha < params.min_alpha_fraction),
            value=alpha,
            limit=params.min_alpha_fraction,
        ),
        Rule(
            name="alphanum_fraction",
            fails=by_alphanum & (alphanum < params.min_alphanum_fraction),
            value=alphanum,
            limit=params.min_alphanum_fraction,
        ),
    ]
    return add_verdicts(named_blobs, "filter_letters", rules)
