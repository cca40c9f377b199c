"""Parts of ScanCode that are put in the place of its own: they answer the same and are faster."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from stackspark.licenses.detector.scancode_blocks import Aligner
from stackspark.licenses.detector.scancode_filters import (
    asked_of_text_last,
    without_required_phrases,
)
from stackspark.licenses.detector.scancode_rules import RuleRanking
from stackspark.licenses.detector.scancode_spans import is_digits_only, span_methods

Part = tuple[Any, str, Any]
"""Where it goes, under which name, and what it is."""


def faster_parts(index: Any) -> tuple[Part, ...]:
    """The parts for an index; see `in_place`."""
    from licensedcode import detection, match, match_set  # noqa: PLC0415 - takes seconds
    from licensedcode import index as index_module  # noqa: PLC0415
    from licensedcode.query import QueryRun  # noqa: PLC0415
    from licensedcode.spans import Span  # noqa: PLC0415

    reason = match.DiscardReason.MISSING_REQUIRED_PHRASES
    return (
        (match_set, "compute_candidates", RuleRanking(index).candidates),
        (index_module, "match_blocks_seq", Aligner().match_blocks),
        (
            *(match, "filter_matches_missing_required_phrases"),
            lambda matches: without_required_phrases(matches, reason),
        ),
        (detection, "is_false_positive", asked_of_text_last(detection.is_false_positive)),
        (QueryRun, "is_digits_only", is_digits_only),
        *((Span, name, method) for name, method in span_methods(Span).items()),
    )


@contextmanager
def in_place(parts: Sequence[Part]) -> Iterator[None]:
    """Within the context ScanCode works with the parts, behind it with its own again."""
    stock = [(owner, name, vars(owner)[name]) for owner, name, _ in parts]
    _put(parts)
    try:
        yield
    finally:
        _put(stock)


def _put(parts: Sequence[Part]) -> None:
    for owner, name, part in parts:
        setattr(owner, name, part)
