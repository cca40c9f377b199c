"""ScanCode's sets of places in a text, with the same answers in fewer steps.

The full matcher asks millions of times whether a place is in a set, each time by way of an abstract
class, and copies each set that it makes through a list.

Source: `Span` of ScanCode's `spans` and `QueryRun` of its `query`.
"""

from collections.abc import Callable, Mapping
from typing import Any


def span_methods(span: Any) -> Mapping[str, Callable[..., Any]]:
    """Methods for the class of spans, which is `span`, by their names."""
    from intbitset import intbitset  # noqa: PLC0415 - comes with the extra

    stock_init, stock_contains = span.__init__, span.__contains__
    new = span.__new__

    def of(places: Any) -> Any:
        made = new(span)
        made._set = places
        return made

    def init(self: Any, *given: Any) -> None:
        only: Any = given[0] if len(given) == 1 else None
        if type(only) is span:
            self._set = intbitset(only._set)
        elif type(only) in {intbitset, range}:
            self._set = intbitset(only)
        else:
            stock_init(self, *given)

    def contains(self: Any, other: Any) -> Any:
        if type(other) is int:
            return other in self._set
        return stock_contains(self, other)

    def distance_to(self: Any, other: Any) -> int:
        start, end = self._set[0], self._set[-1]
        other_start, other_end = other._set[0], other._set[-1]
        if end < other_start:
            return int(other_start - end)
        if start > other_end or self._set.isdisjoint(other._set):
            return int(start - other_end)
        return 0

    def intersection(self: Any, *others: Any) -> Any:
        return of(self._set.intersection(*(other._set for other in others)))

    def union(self: Any, *others: Any) -> Any:
        return of(self._set.union(*(other._set for other in others)))

    return {
        "__init__": init,
        "__contains__": contains,
        "__and__": intersection,
        "__or__": union,
        "overlap": lambda self, other: len(self._set & other._set),
        "distance_to": distance_to,
    }


def is_digits_only(self: Any) -> bool:
    """Whether a part of a text has nothing but numbers; most parts begin with a word."""
    digits, tokens = self.digit_only_tids, self.query.tokens
    return all(tokens[self.start + place] in digits for place in range(len(self)))
