"""Text that is mostly data in disguise: base64, hexadecimal, escapes."""

from dataclasses import dataclass

from pyspark.sql import functions as F

from stackspark.rules.rule import Rule, Verdict

SOURCE = 'Lozhkov et al. 2024 (The Stack v2), section 3.1 "Basic filters"'


@dataclass(frozen=True, kw_only=True)
class EncodedDataParams:
    """Limits of the paper.

    Attributes:
        max_encoded_chars: greatest length of one run of encoded data that stays, in characters.
        max_encoded_fraction: greatest share of encoded data that stays.
    """

    max_encoded_chars: int = 1024
    max_encoded_fraction: float = 0.5


def _encoded_run(params: EncodedDataParams) -> Verdict:
    return _over("max_encoded_chars", params.max_encoded_chars)


def _encoded_fraction(params: EncodedDataParams) -> Verdict:
    return _over("encoded_fraction", params.max_encoded_fraction)


def _over(metric: str, limit: float) -> Verdict:
    return Verdict(fails=F.col(metric) > limit, value=F.col(metric), limit=limit)


ENCODED_RUN = Rule(
    name="encoded_run",
    title="Long run of encoded data",
    description="One run of base64, hexadecimal or escapes is over the limit.",
    quantity="longest run of encoded data",
    unit="characters",
    source=SOURCE,
    section="encoded_data",
    verdicts={"blob": _encoded_run},
)
ENCODED_FRACTION = Rule(
    name="encoded_fraction",
    title="Mostly encoded data",
    description="The share of base64, hexadecimal and escapes is over the limit.",
    quantity="share of encoded data",
    source=SOURCE,
    section="encoded_data",
    verdicts={"blob": _encoded_fraction},
)
