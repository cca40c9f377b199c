"""Languages, and extensions of languages, that people found to be mostly not code.

The lists and what is known of them are in ``stackspark/data/excluded_*.yaml``.
"""

from dataclasses import dataclass, field

from pyspark.sql import Column
from pyspark.sql import functions as F

from stackspark.rules.rule import Rule, Verdict
from stackspark.runtime.reference_data import reference_data

SOURCE = 'Lozhkov et al. 2024 (The Stack v2), section 3.1 "Visual inspection" and its label table'


def excluded_languages() -> tuple[str, ...]:
    """Languages of the list in the package."""
    return tuple(reference_data("excluded_languages.yaml")["languages"])


def excluded_pairs() -> tuple[tuple[str, str], ...]:
    """Pairs (language, extension) of the list in the package; extension "" is none."""
    pairs = reference_data("excluded_pairs.yaml")["pairs"]
    return tuple((language, str(ext)) for language, exts in pairs.items() for ext in exts)


@dataclass(frozen=True, kw_only=True)
class LanguagesParams:
    """Languages that are left out.

    Attributes:
        excluded_pairs: pairs of a language and an extension in lower case; "" is none.
        excluded_languages: languages, by Linguist's name.
        keeps_unknown: whether files of unknown language stay; The Stack v2 holds none.
    """

    excluded_pairs: tuple[tuple[str, str], ...] = field(default_factory=excluded_pairs)
    excluded_languages: tuple[str, ...] = field(default_factory=excluded_languages)
    keeps_unknown: bool = True


def _excluded_pair(params: LanguagesParams) -> Verdict:
    pair = F.concat_ws(" .", "language", _suffix())
    pairs = [f"{name} .{extension}" for name, extension in params.excluded_pairs]
    return Verdict(fails=pair.isin(*pairs), evidence=pair)


def _excluded_language(params: LanguagesParams) -> Verdict:
    language = F.col("language")
    is_excluded = language.isin(*params.excluded_languages)
    if not params.keeps_unknown:
        is_excluded = language.isNull() | is_excluded
    return Verdict(fails=is_excluded, evidence=F.coalesce(language, F.lit("unknown language")))


def _suffix() -> Column:
    """Text after the last dot, `gitignore` of .gitignore too, as the list of pairs has it."""
    return F.regexp_extract(F.lower("name"), r"\.([^.]*)$", 1)


EXCLUDED_PAIR = Rule(
    name="excluded_pair",
    title="Excluded extension",
    description="Files of this language with this extension were found to be mostly not code.",
    source=SOURCE,
    section="languages",
    verdicts={"named_blob": _excluded_pair},
)
EXCLUDED_LANGUAGE = Rule(
    name="excluded_language",
    title="Excluded language",
    description="The language is not part of the dataset.",
    source=SOURCE,
    section="languages",
    verdicts={"named_blob": _excluded_language},
)
