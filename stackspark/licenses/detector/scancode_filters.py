"""Two questions that ScanCode asks of its matches, with the same answers in fewer steps.

Source: `filter_matches_missing_required_phrases` of ScanCode's `match`, `is_false_positive` of its
`detection`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


def without_required_phrases(matches: Sequence[Any], reason: Any) -> tuple[list[Any], list[Any]]:
    """Part matches with rules whose required phrases the text has, whole, from the others.

    A rule that must be matched without a gap is one phrase. A sole match is treated as any other:
    ScanCode means to let it stay, but asks the match where it means its rule.

    Args:
        matches: any number of them.
        reason: is noted in those that lack a phrase or have it with other words in it.
    Returns:
        What stays, and what does not.
    """
    kept, discarded = [], []
    for match in matches:
        is_one = bool(match.rule.is_continuous or match.rule.is_required_phrase)
        if is_one and not match.is_continuous():
            discarded.append(match)
        elif _has_phrases(match, is_one):
            kept.append(match)
        else:
            match.discard_reason = reason
            discarded.append(match)
    return kept, discarded


def _has_phrases(match: Any, is_one: bool) -> bool:
    phrases = match.rule.required_phrase_spans
    if not (phrases or is_one):
        return True
    pairs = dict(zip(match.ispan, match.qspan, strict=False))
    if is_one:
        return _is_whole(match, pairs, list(match.qspan))
    if any(phrase not in match.ispan for phrase in phrases):
        return False
    return all(_has_phrase(match, pairs, phrase) for phrase in phrases)


def _has_phrase(match: Any, pairs: Mapping[int, int], phrase: Iterable[int]) -> bool:
    found = {place: pairs[place] for place in phrase if place in pairs}
    places = list(found.values())
    is_dense = places[-1] - places[0] + 1 == len(places)
    return is_dense and _is_whole(match, found, places)


def _is_whole(match: Any, pairs: Mapping[int, int], places: Sequence[int]) -> bool:
    """Whether no unknown word is among those at places of a text, and stopwords are the rule's.

    What comes behind the last place is of no account.
    """
    unknown, ours = match.query.unknowns_by_pos, match.query.stopwords_by_pos
    theirs, last = match.rule.stopwords_by_pos, places[-1]
    return all(place not in unknown for place in places[:-1]) and all(
        theirs.get(of_rule) == ours.get(place) for of_rule, place in pairs.items() if place != last
    )


@dataclass(frozen=True)
class _Textless:
    """A match whose text says nothing."""

    rule: Any
    start_line: int

    def matched_text(self) -> str:
        return ""


def asked_of_text_last(is_false_positive: Callable[..., bool]) -> Callable[..., bool]:
    """ScanCode's question, which begins with the texts of the matches; most have other reasons."""

    def is_false(license_matches: Sequence[Any], package_license: bool = False) -> bool:
        textless = [_Textless(match.rule, match.start_line) for match in license_matches]
        return is_false_positive(textless, package_license) and is_false_positive(
            license_matches, package_license
        )

    return is_false
