"""ScanCode's search through one text: exact rules first, and the full matcher from where they end.

Source: `match_query` of ScanCode's `index`, which begins anew for either answer.
"""

import copy
from collections.abc import Sequence
from typing import Any

MIN_LENGTH, MIN_COVERAGE = 120, 98
"""Words of a licence text, and the share of them in percent, from which its place is taken."""


class LicenseSearch:
    """A text that is searched, at most once either way; the exact rules before the full matcher."""

    def __init__(self, index: Any, text: str) -> None:
        from licensedcode import match, match_hash  # noqa: PLC0415 - takes seconds

        self._index, self._match = index, match
        self._query = _query(index, text)
        self._whole = self._query and self._query.whole_query_run()
        is_empty = not self._whole or not self._whole.matchables
        self._same = [] if is_empty else match_hash.hash_match(index, self._whole)
        self._matches: list[Any] = []
        self._spans: list[Any] = []
        self._is_over = is_empty or bool(self._same)
        if self._same:
            match.set_matched_lines(self._same, self._query.line_by_pos)

    def exact(self) -> list[Any]:
        """Matches by hashes, by names of licences and by exact rules."""
        if not self._is_over:
            self._take(self._index.get_spdx_id_matches)
            self._take(self._index.get_exact_matches)
        # Refining changes matches, and the full matcher goes on from them as they are.
        return self._refined([copy.copy(match) for match in self._matches])

    def full(self) -> list[Any]:
        """The same, and approximate matches with what is left of the text."""
        if not self._is_over and self._whole.is_matchable(include_low=False, qspans=self._spans):
            self._take(self._index.get_approximate_matches)
        return self._refined(self._matches)

    def _take(self, matcher: Any) -> None:
        query = self._query
        found = matcher(query, matched_qspans=self._spans, existing_matches=self._matches)
        matched = self._match.merge_matches(found)
        self._matches.extend(matched)
        for each in matched:
            is_text = each.rule.is_license_text and each.rule.length > MIN_LENGTH
            if is_text and each.coverage() > MIN_COVERAGE:
                query.subtract(each.qspan)
        self._spans.extend(each.qspan for each in matched if each.coverage() == 100)

    def _refined(self, matches: Sequence[Any]) -> list[Any]:
        if self._same or not matches:
            return list(self._same)
        for keeps_false in (True, False):
            if matches:
                matches, _ = self._match.refine_matches(
                    matches=matches,
                    query=self._query,
                    filter_false_positive=not keeps_false,
                    merge=True,
                )
        return sorted(matches)


def _query(index: Any, text: str) -> Any:
    """The words of a text as ScanCode has them; None of an empty one."""
    from licensedcode.query import build_query  # noqa: PLC0415 - takes seconds

    return build_query(query_string=text, idx=index) if text else None
