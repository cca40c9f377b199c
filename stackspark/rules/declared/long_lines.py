"""Files with too many or too long lines: data, minified code."""

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from stackspark.rules.rule import Rule, Verdict

SOURCE = 'Lozhkov et al. 2024 (The Stack v2), section 3.1 "Basic filters"'

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
class LongLinesParams:
    """Limits of the paper.

    Attributes:
        max_num_lines: greatest number of lines that stays.
        max_avg_line_length: greatest mean length of a line that stays, in characters.
        max_line_length: greatest length of the longest line that stays, in characters.
        prose_languages: languages in which a line may be a paragraph; their mean does not count.
        max_prose_line_length: greatest length of the longest line in these.
    """

    max_num_lines: int = 100_000
    max_avg_line_length: float = 100
    max_line_length: int = 1_000
    prose_languages: tuple[str, ...] = PROSE_LANGUAGES
    max_prose_line_length: int = 100_000


def _num_lines(params: LongLinesParams) -> Verdict:
    return _over("num_lines", F.lit(params.max_num_lines))


def _avg_line_length(params: LongLinesParams) -> Verdict:
    return _over("avg_line_length", F.when(~_is_prose(params), F.lit(params.max_avg_line_length)))


def _max_line_length(params: LongLinesParams) -> Verdict:
    prose = F.when(_is_prose(params), params.max_prose_line_length)
    return _over("max_line_length", prose.otherwise(params.max_line_length))


def _is_prose(params: LongLinesParams) -> Column:
    """A file of unknown language is held to the limits of code."""
    return F.coalesce(F.col("language").isin(*params.prose_languages), F.lit(False))


def _over(metric: str, limit: Column) -> Verdict:
    """No limit, no verdict."""
    return Verdict(fails=F.col(metric) > limit, value=F.col(metric), limit=limit)


NUM_LINES = Rule(
    name="num_lines",
    title="Too many lines",
    description="More lines than the limit on one file.",
    quantity="number of lines",
    source=SOURCE,
    section="long_lines",
    verdicts={"named_blob": _num_lines},
)
AVG_LINE_LENGTH = Rule(
    name="avg_line_length",
    title="Long lines on average",
    description="The mean length of a line is over the limit: minified code or data.",
    quantity="mean line length",
    unit="characters",
    source=SOURCE,
    section="long_lines",
    verdicts={"named_blob": _avg_line_length},
)
MAX_LINE_LENGTH = Rule(
    name="max_line_length",
    title="One very long line",
    description="The longest line is over the limit: minified code or data.",
    quantity="longest line",
    unit="characters",
    source=SOURCE,
    section="long_lines",
    verdicts={"named_blob": _max_line_length},
)
