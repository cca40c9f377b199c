"""Reject languages, and extensions of languages, that people found to be mostly not code.

Source: Lozhkov et al. 2024 (The Stack v2), section 3.1 "Visual inspection" and its label table; the
lists and what is known of them are in ``stackspark/data/excluded_*.yaml``.
"""

from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.verdicts import Rule, add_verdicts
from stackspark.runtime.reference_data import reference_data


def excluded_languages() -> tuple[str, ...]:
    """Languages of the list in the package."""
    return tuple(reference_data("excluded_languages.yaml")["languages"])


def excluded_pairs() -> tuple[tuple[str, str], ...]:
    """Pairs (language, extension) of the list in the package; extension "" is none."""
    pairs = reference_data("excluded_pairs.yaml")["pairs"]
    return tuple((language, str(ext)) for language, exts in pairs.items() for ext in exts)


@dataclass(frozen=True, kw_only=True)
class FilterLanguagesParams:
    """What is left out.

    The Stack v2 holds no file of unknown language: its recipe sets `keeps_unknown` to false.
    """

    excluded_pairs: tuple[tuple[str, str], ...] = field(default_factory=excluded_pairs)
    excluded_languages: tuple[str, ...] = field(default_factory=excluded_languages)
    keeps_unknown: bool = True


def filter_languages(
    named_blobs: DataFrame, params: FilterLanguagesParams | None = None
) -> DataFrame:
    """Add the verdicts of rules `excluded_pair` and `excluded_language`.

    Args:
        named_blobs: one row per (`blob_id`, `name`) with `language`.
        params: what is left out; by default the lists in the package.
    Returns:
        The same rows with `verdicts`; the evidence is the language, and the extension of a pair.
    """
    params = params or FilterLanguagesParams()
    language = F.col("language")
    pair = F.concat_ws(" .", language, _suffix())
    is_excluded = language.isin(*params.excluded_languages)
    if not params.keeps_unknown:
        is_excluded = language.isNull() | is_excluded
    pairs = [f"{name} .{extension}" for name, extension in params.excluded_pairs]
    rules = [
        Rule(name="excluded_pair", fails=pair.isin(*pairs), evidence=pair),
        Rule(
            name="excluded_language",
            fails=is_excluded,
            evidence=F.coalesce(language, F.lit("unknown language")),
        ),
    ]
    return add_verdicts(named_blobs, "filter_languages", rules)


def _suffix() -> Column:
    """What follows the last dot, `gitignore` of .gitignore too, as the list of pairs has it."""
    return F.regexp_extract(F.lower("name"), r"\.([^.]*)$", 1)
