"""Sets of places in a text; ScanCode's own code is the oracle."""

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intbitset import intbitset

from stackspark.licenses.detector.scancode_parts import in_place
from stackspark.licenses.detector.scancode_spans import is_digits_only, span_methods


@pytest.fixture(scope="module", autouse=True)
def _imports() -> None:
    """ScanCode warns, while it is imported, of a library that the machine has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import licensedcode.query  # noqa: F401


PLACES = st.sets(st.integers(0, 12), max_size=8)
SOME = st.sets(st.integers(0, 12), min_size=1, max_size=8)


def both(ask: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The answer of ScanCode's class, and of ours."""
    from licensedcode.spans import Span

    stock = ask(Span)
    with in_place([(Span, name, method) for name, method in span_methods(Span).items()]):
        ours = ask(Span)
    return stock, ours


@given(PLACES)
def test_spans_of_anything(places: set[int]) -> None:
    for given_as in (list, set, tuple, iter, intbitset):
        stock, ours = both(lambda span: list(span(given_as(places))))  # noqa: B023
        assert ours == stock == sorted(places)
    stock, ours = both(lambda span: list(span(span(places))))
    assert ours == stock == sorted(places)
    stock, ours = both(lambda span: list(span(*places)) if len(places) != 2 else [])
    assert ours == stock


@given(st.integers(0, 9), st.integers(0, 9))
def test_spans_of_numbers(first: int, last: int) -> None:
    for given_as in [(first, last), (first,), (range(first, last),), ()]:
        stock, ours = both(lambda span: list(span(*given_as)))  # noqa: B023
        assert ours == stock


@settings(max_examples=150)
@given(PLACES, PLACES, PLACES, st.integers(0, 13))
def test_questions_about_spans(one: set[int], two: set[int], three: set[int], place: int) -> None:
    def ask(span: Any) -> list[Any]:
        a, b, c = map(span, (one, two, three))
        return [
            *(place in a, b in a, two in a, frozenset(two) in a, intbitset(two) in a, "no" in a),
            *map(list, (a & b, a | b, a.union(b, c), a.__and__(b, c))),
            *(a.overlap(b), a == b, len(a | b), a.resemblance(b)),
        ]

    stock, ours = both(ask)
    assert ours == stock


@given(SOME, SOME)
def test_distances_of_spans(one: set[int], two: set[int]) -> None:
    stock, ours = both(lambda span: span(one).distance_to(span(two)))
    assert ours == stock


def test_span_that_came_of_another_is_its_own() -> None:
    def ask(span: Any) -> list[int]:
        places = intbitset([1, 2])
        made = span(places)
        places.add(3)
        return list(made)

    assert both(ask) == ([1, 2], [1, 2])


@pytest.mark.parametrize("tokens", [[], [1], [1, 1], [2, 1], [2], [1, 1, 2, 1]])
@pytest.mark.parametrize("start", [0, 1, 2])
def test_runs_of_numbers(tokens: list[int], start: int) -> None:
    from licensedcode.query import QueryRun

    run: Any = object.__new__(QueryRun)
    run.query = type("Query", (), {"tokens": tokens})()
    run.digit_only_tids = intbitset([1])
    for end in (None, *range(start, len(tokens))):
        run.start, run.end = start, end
        assert is_digits_only(run) == QueryRun.is_digits_only(run)


def fail_within(parts: list[Any]) -> None:
    with in_place(parts):
        raise ZeroDivisionError


def test_parts_are_put_back() -> None:
    owner = SimpleNamespace(one=1, two=2)
    with in_place([(owner, "one", 3)]):
        assert vars(owner) == {"one": 3, "two": 2}
    with pytest.raises(ZeroDivisionError):
        fail_within([(owner, "two", 3)])
    assert vars(owner) == {"one": 1, "two": 2}
