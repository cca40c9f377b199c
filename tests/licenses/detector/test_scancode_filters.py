"""Matches that are left out; ScanCode's own code is the oracle."""

import warnings
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackspark.licenses.detector.scancode_filters import (
    asked_of_text_last,
    without_required_phrases,
)

PLACES = st.sets(st.integers(0, 9), min_size=1, max_size=10)
COUNTS = st.dictionaries(st.integers(0, 9), st.integers(1, 2), max_size=3)


@pytest.fixture(scope="module", autouse=True)
def _imports() -> None:
    """ScanCode warns, while it is imported, of a library that the machine has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import licensedcode.detection  # noqa: F401


@dataclass
class Match:
    places_in_text: set[int]
    places_in_rule: set[int]
    phrases: list[set[int]]
    counts: list[dict[int, int]]
    flags: list[bool]
    discard_reason: Any = None
    name: int = 0
    rule: Any = field(init=False)

    def __post_init__(self) -> None:
        from licensedcode.spans import Span

        self.qspan, self.ispan = Span(self.places_in_text), Span(self.places_in_rule)
        unknown, of_text, of_rule = self.counts
        self.query = SimpleNamespace(unknowns_by_pos=unknown, stopwords_by_pos=of_text)
        self.rule = SimpleNamespace(
            is_continuous=self.flags[0],
            is_required_phrase=self.flags[1],
            required_phrase_spans=[Span(phrase) for phrase in self.phrases],
            stopwords_by_pos=of_rule,
        )

    def is_continuous(self) -> bool:
        return self.flags[2]


@st.composite
def matches(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Arguments of some matches; places in the text and in the rule are as many."""
    drawn = []
    for _ in range(draw(st.integers(1, 4))):
        in_text, in_rule = sorted(draw(PLACES)), sorted(draw(PLACES))
        size = min(len(in_text), len(in_rule))
        rule = in_rule[:size]
        phrases = draw(st.lists(st.one_of(st.sets(st.sampled_from(rule), min_size=1), PLACES)))
        counts = [draw(COUNTS) for _ in range(3)]
        if draw(st.booleans()):
            counts[2] = {
                i: counts[1][q] for q, i in zip(in_text, rule, strict=False) if q in counts[1]
            }
        flags = [draw(st.booleans()) for _ in range(3)]
        drawn.append((set(in_text[:size]), set(rule), phrases, counts, flags))
    return drawn


@settings(deadline=None, max_examples=200)
@given(matches())
def test_phrases_that_are_required(drawn: list[tuple[Any, ...]]) -> None:
    from licensedcode.match import DiscardReason, filter_matches_missing_required_phrases

    reason = DiscardReason.MISSING_REQUIRED_PHRASES

    def told(found: tuple[list[Any], list[Any]]) -> list[list[tuple[int, Any]]]:
        return [[(match.name, match.discard_reason) for match in part] for part in found]

    ours, theirs = ([Match(*given, name=n) for n, given in enumerate(drawn)] for _ in range(2))
    found = told(without_required_phrases(ours, reason))
    assert found == told(filter_matches_missing_required_phrases(theirs))


RULE = st.builds(
    lambda relevance, length, name, is_tag: SimpleNamespace(
        relevance=relevance, length=length, identifier=name, is_license_tag=is_tag
    ),
    st.sampled_from([5, 59, 60, 100]),
    st.sampled_from([1, 2, 9]),
    st.sampled_from(["gpl_bare_1.RULE", "gpl-2.0_3.RULE", "mit_9.RULE"]),
    st.booleans(),
)


@settings(max_examples=200)
@given(st.lists(st.tuples(RULE, st.sampled_from([1, 5000]), st.booleans()), min_size=1, max_size=3))
def test_false_positives(drawn: list[tuple[Any, int, bool]]) -> None:
    from licensedcode.detection import is_false_positive

    texts = [0]

    def match(rule: Any, line: int, has_holder: bool) -> Any:
        def matched_text() -> str:
            texts[0] += 1
            return "Copyright" if has_holder else "gpl"

        return SimpleNamespace(rule=rule, start_line=line, matched_text=matched_text)

    made = [match(*each) for each in drawn]
    expected = is_false_positive(made)
    texts[0] = 0
    assert asked_of_text_last(is_false_positive)(made) == expected
    assert expected or not texts[0] or any(has_holder for *_, has_holder in drawn)
    assert not asked_of_text_last(is_false_positive)(made, package_license=True)
