"""HTML that shows too little text for its markup."""

from dataclasses import dataclass

from pyspark.sql import functions as F

from stackspark.rules.rule import Rule, Verdict


@dataclass(frozen=True, kw_only=True)
class HtmlParams:
    """Limits of the paper.

    Attributes:
        min_visible_chars: least number of characters that a page shows if it stays.
        min_visible_fraction: least share of them in all characters of the page.
    """

    min_visible_chars: int = 100
    min_visible_fraction: float = 0.2


def _html_visible_text(params: HtmlParams) -> Verdict:
    """The limit is the higher one of the two, in chars."""
    visible = F.col("visible_chars")
    least = F.greatest(
        F.lit(float(params.min_visible_chars)),
        F.col("num_chars") * F.lit(params.min_visible_fraction),
    )
    fails = (F.col("language") == "HTML") & (visible < least)
    return Verdict(fails=fails, value=visible, limit=least)


HTML_VISIBLE_TEXT = Rule(
    name="html_visible_text",
    title="HTML without text",
    description="The page shows too little text for its markup.",
    quantity="visible text",
    unit="characters",
    source='Lozhkov et al. 2024 (The Stack v2), section 3.1 "Language-specific filters"',
    section="html",
    verdicts={"named_blob": _html_visible_text},
)
