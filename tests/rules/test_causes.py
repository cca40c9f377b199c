"""Causes as people read them."""

import pytest

from stackspark.rules import causes


def test_cause_place_puts_unknown_causes_last() -> None:
    assert sorted(["zz", "near_duplicate", "aa", "binary"], key=causes.cause_place) == [
        "binary", "near_duplicate", "aa", "zz",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "value", "limit", "said"),
    [
        ("max_line_length", 5312, 1000, "longest line 5,312 characters, over the limit of 1,000"),
        ("alpha_fraction", 0.2413, 0.25, "share of letters 0.2413, under the limit of 0.25"),
        ("encoded_fraction", 0.500000001, 0.5,
         "share of encoded data 0.500000001, over the limit of 0.5"),
        ("near_duplicate", 0.7, 0.7, "similarity 0.7, at the limit of 0.7"),
        ("near_duplicate", 0.3, None, "similarity 0.3"),
        ("binary", None, None, "The bytes are not text."),
        ("num_lines", 3.0, None, "number of lines 3"),
        ("new_rule", None, None, "new rule"),
        ("new_rule", 2.0, 1.0, "new rule 2, over the limit of 1"),
    ],
)  # fmt: skip
def test_verdict_words(rule: str, value: float | None, limit: float | None, said: str) -> None:
    assert causes.verdict_words(rule, value, limit) == said


@pytest.mark.parametrize(
    ("established_by", "said"),
    [
        ("normalized_text", "normalized text"),
        ("component", "estimated; joined by shared bands, not verified"),
    ],
)
def test_evidence_words(established_by: str, said: str) -> None:
    assert causes.evidence_words(established_by) == said
