"""The rules that ScanCode would align a text with; its own code is the oracle."""

import random
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intbitset import intbitset
from places import REPOSITORY

from stackspark.licenses.detector.rule_ranking import RuleRanking, _ranked, _tenths
from stackspark.licenses.detector.scancode import LicenseIndex

NUM_WORDS, NUM_LEGALESE = 12, 5
MIT = (REPOSITORY / "stackspark/recipes/demo/planted/LICENSE").read_text(encoding="utf-8")
APACHE = (REPOSITORY / "LICENSE").read_text(encoding="utf-8")


@dataclass
class Rule:
    words: list[int]
    license_expression: str
    min_high: int
    min_matched: int
    _minimum_containment: float
    identifier: str = ""

    @property
    def length(self) -> int:
        return len(self.words)

    def get_length(self, unique: bool) -> int:
        return len(set(self.words)) if unique else len(self.words)

    def get_min_high_matched_length(self, unique: bool) -> int:
        return self.min_high if unique else self.min_high + 1

    def get_min_matched_length(self, unique: bool) -> int:
        return self.min_matched if unique else self.min_matched + 1


WORDS = st.lists(st.integers(0, NUM_WORDS - 1), min_size=1, max_size=20)
RULES = st.builds(
    *(Rule, WORDS, st.sampled_from(["mit", "isc"]), st.integers(0, 3), st.integers(0, 5)),
    st.sampled_from([0, 0.25, 0.5, 0.8, 1.0]),
)


@pytest.fixture(scope="module", autouse=True)
def _imports() -> None:
    """ScanCode warns, while it is imported, of a library that the machine has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import licensedcode.detection
        import licensedcode.match_set  # noqa: F401


def index_of(rules: list[Rule], matchable: set[int]) -> Any:
    for rid, rule in enumerate(rules):
        rule.identifier = f"{rid}.RULE"
    return SimpleNamespace(
        len_legalese=NUM_LEGALESE,
        approx_matchable_rids=matchable,
        rules_by_rid=rules,
        sets_by_rid=[intbitset(rule.words) for rule in rules],
        msets_by_rid=[defaultdict(int, Counter(rule.words)) for rule in rules],
        dictionary=dict.fromkeys(range(NUM_WORDS)),
    )


@settings(deadline=None, max_examples=400)
@given(st.lists(RULES, min_size=1, max_size=40), WORDS, st.booleans(), st.integers(1, 4), st.data())
def test_candidates_are_those_of_scancode(
    rules: list[Rule], words: list[int], is_near: bool, top: int, data: st.DataObject
) -> None:
    from licensedcode import match_set

    matchable = data.draw(st.sets(st.integers(0, len(rules) - 1), min_size=1))
    index = index_of(rules, matchable)
    run = SimpleNamespace(matchable_tokens=lambda: [*words, -1, -1])
    asked = {"query_run": run, "idx": index, "matchable_rids": matchable, "top": top}
    expected = match_set.compute_candidates(**asked, high_resemblance=is_near)
    # It has left words behind in the index that its rules do not have.
    found = RuleRanking(index).candidates(**asked, high_resemblance=is_near)
    assert comparable(found) == comparable(expected)


@settings(deadline=None, max_examples=400)
@given(st.lists(RULES, min_size=6, max_size=40), WORDS, st.integers(1, 5))
def test_first_rules_are_in_the_order_of_their_scores(
    rules: list[Rule], words: list[int], number: int
) -> None:
    ranking = RuleRanking(index_of(rules, set(range(len(rules)))))
    shared, limits = ranking._shared(Counter(words))[0], ranking._by_set
    order = sorted(
        ((ranking._scores(row, shared, limits), row) for row in range(len(rules))), reverse=True
    )
    kept = _ranked(np.arange(len(rules)), shared, limits.lengths, number)
    assert kept.tolist() == [row for _, row in order[:number]]


@given(st.lists(st.fractions(0, 30, max_denominator=400), min_size=1))
def test_tenths_are_those_of_round(values: list[Fraction]) -> None:
    floats = [float(value) for value in values]
    assert (_tenths(np.array(floats)) / 10).tolist() == [round(value, 1) for value in floats]


def comparable(candidates: list[Any]) -> list[Any]:
    return [(scores, rid, set(shared)) for scores, rid, _, shared in candidates]


@pytest.mark.integration  # it loads the index: 8 seconds and 1.4 GB
def test_answers_are_those_of_the_full_matcher() -> None:
    from licensedcode.detection import detect_licenses

    index, chance = LicenseIndex(), random.Random(3)
    texts = [MIT, APACHE, MIT + APACHE, "GPL", "gpl-3.0+ or mit", "A word.\n" * 50]
    for text in (MIT, APACHE, MIT + "\n\n\n\n\n" + APACHE):
        for fraction in (0.02, 0.1, 0.4):
            words = text.split(" ")
            texts.append(" ".join(w for w in words if chance.random() > fraction))
            texts.append(" ".join("odd" if chance.random() < fraction else w for w in words))
    for text in texts:
        with index._ranking.applied():
            ours = described(list(detect_licenses(index=index._index, query_string=text)))
        assert ours == described(list(detect_licenses(index=index._index, query_string=text))), text


def test_scancode_has_its_own_function_back() -> None:
    from licensedcode import match_set

    stock = match_set.compute_candidates
    index = index_of([Rule([1], "mit", 0, 0, 0)], {0})
    with RuleRanking(index).applied():
        assert match_set.compute_candidates is not stock
    assert match_set.compute_candidates is stock


def described(detections: list[Any]) -> list[Any]:
    return [
        (each.license_expression, [(match.rule.identifier, str(match)) for match in each.matches])
        for each in detections
    ]
