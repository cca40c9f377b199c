"""Alignment of a text with a rule; ScanCode's own code is the oracle."""

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intbitset import intbitset

from stackspark.licenses.detector.scancode_blocks import Aligner

NUM_WORDS, NUM_LEGALESE = 6, 4
WORDS = st.lists(st.integers(0, NUM_WORDS - 1), min_size=1, max_size=14)


@pytest.fixture(scope="module", autouse=True)
def _imports() -> None:
    """ScanCode warns, while it is imported, of a library that the machine has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import licensedcode.seq  # noqa: F401


@settings(deadline=None, max_examples=400)
@given(WORDS, st.lists(WORDS, min_size=1, max_size=3), st.data())
def test_blocks_are_those_of_scancode(
    text: list[int], rules: list[list[int]], data: st.DataObject
) -> None:
    from licensedcode import seq

    aligner = Aligner()
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, len(text)))
    seeds = data.draw(st.sets(st.integers(0, NUM_LEGALESE - 1)))
    for rule in rules:
        places = data.draw(st.sets(st.integers(0, len(text) - 1)))
        postings = {word: [at for at, w in enumerate(rule) if w == word] for word in seeds}
        asked = {
            **{"a": text, "b": rule, "a_start": start, "a_end": end},
            **{"b2j": postings, "len_good": NUM_LEGALESE, "matchables": intbitset(list(places))},
        }
        assert aligner.match_blocks(**asked) == seq.match_blocks(**asked)
