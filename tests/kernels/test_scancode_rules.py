"""Rules that ScanCode would drop anyway are left out, and no others; its own code is the oracle."""

import random
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intbitset import intbitset

from stackspark.kernels.scancode import LicenseIndex
from stackspark.kernels.scancode_rules import RuleFilter

NUM_WORDS, NUM_LEGALESE = 12, 5
REPOSITORY = Path(__file__).parents[2]
MIT = (REPOSITORY / "stackspark/recipes/demo/planted/LICENSE").read_text(encoding="utf-8")
APACHE = (REPOSITORY / "LICENSE").read_text(encoding="utf-8")


@dataclass
class Rule:
    words: frozenset[int]
    min_high: int
    min_matched: int
    _minimum_containment: float

    def get_length(self, unique: bool) -> int:
        return len(self.words)

    def get_min_high_matched_length(self, unique: bool) -> int:
        return self.min_high

    def get_min_matched_length(self, unique: bool) -> int:
        return self.min_matched


WORDS = st.frozensets(st.integers(0, NUM_WORDS - 1), min_size=1)
RULES = st.builds(
    Rule, WORDS, st.integers(0, 3), st.integers(0, 5), st.sampled_from([0, 0.25, 0.5, 0.8, 1.0])
)


@pytest.fixture(scope="module", autouse=True)
def _imports() -> None:
    """ScanCode warns, while it is imported, of a library that the machine has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import licensedcode.detection
        import licensedcode.match_set  # noqa: F401


def index_of(rules: list[Rule], matchable: set[int]) -> Any:
    return SimpleNamespace(
        len_legalese=NUM_LEGALESE,
        approx_matchable_rids=matchable,
        rules_by_rid=rules,
        sets_by_rid=[intbitset(rule.words) for rule in rules],
        dictionary=dict.fromkeys(range(NUM_WORDS)),
    )


def is_compared(rule: Rule, words: frozenset[int], *, is_near: bool) -> bool:
    from licensedcode import match_set

    scores, _ = match_set.compare_token_sets(
        qset=intbitset(words),
        iset=intbitset(rule.words),
        intersector=match_set.tids_sets_intersector,
        counter=match_set.tids_set_counter,
        high_intersection_filter=match_set.high_tids_set_subset,
        len_legalese=NUM_LEGALESE,
        unique=True,
        rule=rule,
    )
    if scores is None:
        return False
    return not is_near or all(score.is_highly_resemblant for score in scores)


@settings(deadline=None, max_examples=300)
@given(st.lists(RULES, min_size=1, max_size=6), WORDS, st.booleans(), st.data())
def test_plausible_rules_are_those_that_scancode_compares(
    rules: list[Rule], words: frozenset[int], is_near: bool, data: st.DataObject
) -> None:
    matchable = data.draw(st.sets(st.integers(0, len(rules) - 1), min_size=1))
    found = RuleFilter(index_of(rules, matchable)).plausible(
        [*words, -1, -1], is_near=is_near, num_ranked=len(rules)
    )
    assert found == [
        rid for rid in sorted(matchable) if is_compared(rules[rid], words, is_near=is_near)
    ]


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
        for is_exact in (True, False):
            stock = list(
                detect_licenses(index=index._index, query_string=text, approximate=not is_exact)
            )
            ours = index._detections(index._matches(text, is_exact))
            assert described(ours) == described(stock), text


def described(detections: list[Any]) -> list[Any]:
    return [
        (each.license_expression, [(match.rule.identifier, str(match)) for match in each.matches])
        for each in detections
    ]
