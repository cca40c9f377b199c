"""Files with few letters: tables of numbers, dumps, drawings."""

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from stackspark.rules.rule import Rule, Verdict

SOURCE = 'Lozhkov et al. 2024 (The Stack v2), section 3.1 "Basic filters"'


@dataclass(frozen=True, kw_only=True)
class LettersParams:
    """Limits of the paper.

    Attributes:
        min_alpha_fraction: least share of letters that stays.
        alphanum_languages: languages whose digits count as letters: assembly.
        min_alphanum_fraction: least share of letters and digits that stays in these.
    """

    min_alpha_fraction: float = 0.25
    alphanum_languages: tuple[str, ...] = ("Motorola 68K Assembly", "WebAssembly")
    min_alphanum_fraction: float = 0.25


def _alpha_fraction(params: LettersParams) -> Verdict:
    return _under("alpha_fraction", params.min_alpha_fraction, ~_counts_digits(params))


def _alphanum_fraction(params: LettersParams) -> Verdict:
    return _under("alphanum_fraction", params.min_alphanum_fraction, _counts_digits(params))


def _counts_digits(params: LettersParams) -> Column:
    """A file of unknown language is tested on its letters."""
    return F.coalesce(F.col("language").isin(*params.alphanum_languages), F.lit(False))


def _under(metric: str, limit: float, applies: Column) -> Verdict:
    fraction = F.col(metric)
    return Verdict(fails=applies & (fraction < limit), value=fraction, limit=limit)


ALPHA_FRACTION = Rule(
    name="alpha_fraction",
    title="Few letters",
    description="The share of letters is under the limit: mostly numbers or punctuation.",
    quantity="share of letters",
    source=SOURCE,
    section="letters",
    verdicts={"named_blob": _alpha_fraction},
)
ALPHANUM_FRACTION = Rule(
    name="alphanum_fraction",
    title="Few letters and digits",
    description="The share of letters and digits is under the limit.",
    quantity="share of letters and digits",
    source=SOURCE,
    section="letters",
    verdicts={"named_blob": _alphanum_fraction},
)
