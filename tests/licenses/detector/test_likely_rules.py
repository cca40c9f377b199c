"""The rules that a text may be aligned with; ScanCode over all of its rules is the oracle."""

import random
import warnings
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import REPOSITORY

from stackspark.licenses.detector import likely_rules
from stackspark.licenses.detector.likely_rules import LikelyRules
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
    from licensedcode.match_set import build_set_and_mset

    for rid, rule in enumerate(rules):
        rule.identifier = f"{rid}.RULE"
    words = [build_set_and_mset(rule.words) for rule in rules]
    return SimpleNamespace(
        len_legalese=NUM_LEGALESE,
        approx_matchable_rids=matchable,
        rules_by_rid=rules,
        sets_by_rid=[distinct for distinct, _ in words],
        msets_by_rid=[counted for _, counted in words],
        dictionary=dict.fromkeys(range(NUM_WORDS)),
    )


@settings(deadline=None, max_examples=400)
@given(st.lists(RULES, min_size=1, max_size=40), WORDS, st.booleans(), st.integers(1, 4), st.data())
def test_candidates_are_those_of_scancode_among_all_rules(
    rules: list[Rule], words: list[int], is_near: bool, top: int, data: st.DataObject
) -> None:
    from licensedcode.match_set import compute_candidates

    matchable = data.draw(st.sets(st.integers(0, len(rules) - 1), min_size=1))
    index = index_of(rules, matchable)
    run = SimpleNamespace(matchable_tokens=lambda: [*words, -1, -1])
    found = LikelyRules(index).candidates(run, top=top, high_resemblance=is_near)
    expected = compute_candidates(run, index, matchable, top, high_resemblance=is_near)
    assert comparable(found) == comparable(expected)


def test_of_many_rules_those_go_on_of_which_the_text_contains_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(likely_rules, "MAX_COMPARED", 2)
    rules = [Rule(words, "mit", 0, 0, 0) for words in ([1, 7], [1, 2], [1, 7, 8], [2], [9])]
    run = SimpleNamespace(matchable_tokens=lambda: [1, 2])
    index = index_of(rules, set(range(5)))
    found = LikelyRules(index).candidates(run, top=5, high_resemblance=False)
    assert sorted(rid for _, rid, _, _ in found) == [1, 3]


def comparable(candidates: list[Any]) -> list[Any]:
    return [(scores, rid, rule.identifier, set(words)) for scores, rid, rule, words in candidates]


@pytest.mark.integration  # it loads the index: 8 seconds and 1.4 GB
def test_licences_are_those_of_the_full_matcher() -> None:
    index, chance = LicenseIndex(), random.Random(3)
    texts = [MIT, APACHE, MIT + APACHE, "GPL", "gpl-3.0+ or mit", "A word.\n" * 50]
    for text in (MIT, APACHE, MIT + "\n\n\n\n\n" + APACHE):
        for fraction in (0.02, 0.1, 0.4):
            words = text.split(" ")
            texts.append(" ".join(w for w in words if chance.random() > fraction))
            texts.append(" ".join("odd" if chance.random() < fraction else w for w in words))
    for text in texts:
        ours = index._full_matches(*index._exact_matches(text))
        full = index._index.match(query_string=text)
        assert stated(index, ours) == stated(index, full), text


def stated(index: LicenseIndex, matches: list[Any]) -> str | None:
    detections = index._detections(matches)
    return index._spdx([each.license_expression for each in detections if each.license_expression])
