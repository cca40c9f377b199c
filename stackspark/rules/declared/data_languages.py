"""Long files of languages that mostly hold data."""

from dataclasses import dataclass

from pyspark.sql import functions as F

from stackspark.rules.rule import Rule, Verdict


@dataclass(frozen=True, kw_only=True)
class DataLanguagesParams:
    """Languages and limit of the paper.

    Attributes:
        data_languages: languages that are mostly data.
        max_data_lines: greatest number of lines that stays in these.
    """

    data_languages: tuple[str, ...] = (
        "Graphviz (DOT)",
        "JSON",
        "Text",
        "Web Ontology Language",
        "YAML",
    )
    max_data_lines: int = 512


def _data_language_lines(params: DataLanguagesParams) -> Verdict:
    lines, limit = F.col("num_lines"), params.max_data_lines
    is_data = F.col("language").isin(*params.data_languages)
    return Verdict(fails=is_data & (lines > limit), value=lines, limit=limit)


DATA_LANGUAGE_LINES = Rule(
    name="data_language_lines",
    title="Data with many lines",
    description="A file in a language of data, such as JSON, with more lines than the limit.",
    quantity="number of lines",
    source='Lozhkov et al. 2024 (The Stack v2), section 3.1 "Language-specific filters"',
    section="data_languages",
    verdicts={"named_blob": _data_language_lines},
)
