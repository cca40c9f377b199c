"""ScanCode's index on one licence text: exact rules, then its aligner where they say nothing.

Loading the index takes 8 seconds and 1.4 GB, so it belongs into a process of its own
(`stackspark.licenses.detector.process`). What the index answers is grouped and judged by
ScanCode's own detection, as its command line does it.

Source: scancode-toolkit (extra `licenses`), Apache-2.0; its licence data is CC-BY-4.0.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from typing import Any

from cachetools import LRUCache

from stackspark.licenses.detector.answers import (
    MAX_TEXT_CHARS,
    found,
    with_placeholders,
    without_holders,
)
from stackspark.licenses.detector.likely_rules import LikelyRules

SCANCODE_PACKAGE = "scancode-toolkit-mini"
ANSWERS_VERSION = "4"
"""Changes where the same index would be asked or read otherwise."""

MAX_SEARCHED_CHARS = 200_000
"""Longer texts are collections; the full matcher would take minutes for one."""

MAX_ANSWERS = 10_000
"""Answers that are kept for texts that come again."""

MAX_LEFT_WORDS = 10
"""Words of legalese that exact rules may leave over; of more the full matcher may make something.

Of 1,030 licence files of packages it would have made something else of 0.6 % that have fewer. It is
asked about the other 6 %; with a limit of 2 that would be 0.2 % and 10 %.
"""

MAX_NAMED_WORDS = 100
"""Words of legalese left over, up to which a text is tried with placeholders for names.

A clause that names its holder leaves 31 to 45; a text that leaves more than 100 is a collection.
"""

MAX_COPIES, MAX_CANDIDATES = 10, 70
"""Rules that ScanCode aligns with a whole text that may be a copy, and with each part of a text."""

# It says which releases go together with the GPL, and nothing in it is under the GPL.
_PYTHON_HISTORY = re.compile(
    r"A\. HISTORY OF THE SOFTWARE\n=.*?(?=\nB\. TERMS AND CONDITIONS)", re.DOTALL
)

EXACT, FULL = "exact", "full"
REFERENCES = frozenset(
    f"LicenseRef-scancode-{name}"
    for name in ("unknown-license-reference", "free-unknown", "unknown", "license-file-reference")
)


def scancode_version() -> str | None:
    """Version of the installed detector; None where the extra is missing."""
    try:
        return f"{SCANCODE_PACKAGE}-{version(SCANCODE_PACKAGE)}/{ANSWERS_VERSION}"
    except PackageNotFoundError:
        return None


class LicenseIndex:
    """The loaded index."""

    def __init__(self) -> None:
        from licensedcode.cache import get_index, get_licensing  # noqa: PLC0415 - takes seconds

        self._index, self._licensing = get_index(), get_licensing()
        self._likely_rules = LikelyRules(self._index)
        self._answers: LRUCache[tuple[bytes, bool], dict[str, Any]] = LRUCache(MAX_ANSWERS)

    def license_of_text(self, text: str, is_exact: bool = False) -> dict[str, Any]:
        """The licences that a text states in its first million characters.

        Args:
            text: of a licence file, or the header of another file.
            is_exact: leave it at exact rules.
        Returns:
            `outcome`, `expression` (SPDX, all that the text states, joined by AND), `method` and
            `matches`, as `DETECTED` has them.
        """
        # Licences of thousands of projects differ in nothing but whose they are.
        text = without_holders(_without_history(text[:MAX_TEXT_CHARS]))
        key = (hashlib.sha256(text.encode("utf-8", "replace")).digest(), is_exact)
        if key not in self._answers:
            self._answers[key] = self._answer(text, is_exact)
        return self._answers[key]

    def _answer(self, text: str, is_exact: bool) -> dict[str, Any]:
        if not text:
            return self._described((), (), EXACT)
        query, matches = self._exact_matches(text)
        exact = self._described(query.tokens, matches, EXACT)
        if is_exact or _is_answered(exact):
            return exact
        named = with_placeholders(text)
        if named != text and exact["num_left"] <= MAX_NAMED_WORDS:
            templated_query, templated_matches = self._exact_matches(named)
            templated = self._described(templated_query.tokens, templated_matches, EXACT)
            if _is_answered(templated):
                return templated
        if len(text) > MAX_SEARCHED_CHARS:
            return exact
        return self._described(query.tokens, self._full_matches(query, matches), FULL)

    def _exact_matches(self, text: str) -> tuple[Any, list[Any]]:
        """ScanCode's query for a text, and its matches by hashes and exact rules."""
        from licensedcode.query import build_query  # noqa: PLC0415 - takes seconds

        query = build_query(query_string=text, idx=self._index)
        return query, self._index.match_query(query, approximate=False)

    def _full_matches(self, query: Any, exact: Sequence[Any]) -> list[Any]:
        """Exact matches, and alignments of what they leave over with the rules most like it.

        As ScanCode's `get_approximate_matches` does it: first the whole text, if it may be a copy
        of a rule, then each part of it. ScanCode filters exact matches together with the aligned
        ones only; here they are filtered before too, so a weak alignment more may be left.
        """
        from licensedcode.match import refine_matches  # noqa: PLC0415 - takes seconds

        matched = [match.qspan for match in exact if match.coverage() == 100]
        copies = self._aligned(query.whole_query_run(), matched, MAX_COPIES, True)
        for match in copies:
            query.subtract(match.qspan)
        parts = [self._aligned(run, matched, MAX_CANDIDATES, False) for run in query.query_runs]
        matches, _ = refine_matches([*exact, *copies, *chain.from_iterable(parts)], query=query)
        return sorted(matches)

    def _aligned(
        self, run: Any, matched: list[Any], top: int, high_resemblance: bool
    ) -> Sequence[Any]:
        if not run.is_matchable(qspans=matched):
            return ()
        candidates = self._likely_rules.candidates(run, top=top, high_resemblance=high_resemblance)
        aligned: list[Any] = self._index.get_query_run_approximate_matches(run, candidates, matched)
        return aligned

    def _described(
        self, words: Sequence[int | None], found_matches: Sequence[Any], method: str
    ) -> dict[str, Any]:
        """The answer that matches give.

        `num_left` of the answer is the number of words of legalese outside all matches.
        """
        detections = self._detections(found_matches)
        stated = [each.license_expression for each in detections if each.license_expression]
        reported = [match for each in detections for match in each.matches]
        matches = [_match(match) for match in reported]
        matches.sort(key=lambda match: (match["start_line"], match["end_line"], match["rule"]))
        num_left = self._num_left(words, reported)
        return {**found(self._spdx(stated), method, matches), "num_left": num_left}

    def _detections(self, matches: Sequence[Any]) -> list[Any]:
        """Detections as `detect_licenses` makes them of matches, without identifiers."""
        from licensedcode.detection import (  # noqa: PLC0415
            LicenseDetection,
            analyze_detection,
            get_detected_license_expression,
            group_matches,
            process_detections,
        )

        detections = []
        for group in group_matches(matches):
            analysis = analyze_detection(group, package_license=not _may_be_dropped(group))
            _, expression = get_detected_license_expression(analysis, group)
            detections.append(LicenseDetection(license_expression=expression, matches=group))
        return list(process_detections(detections, self._licensing))

    def _num_left(self, words: Sequence[int | None], matches: Sequence[Any]) -> int:
        matched = {position for match in matches for position in match.qspan}
        legalese = self._index.len_legalese
        return sum(
            word is not None and word < legalese and place not in matched
            for place, word in enumerate(words)
        )

    def _spdx(self, expressions: Sequence[str]) -> str | None:
        """All expressions, joined by AND, with the ids of SPDX.

        A mere reference to a licence is left out where a licence is found: it is that one.
        """
        parts = {part for expression in expressions for part in self._parts(expression)}
        licenses = parts - REFERENCES or parts
        return " AND ".join(sorted(licenses)) or None

    def _parts(self, expression: str) -> Iterator[str]:
        return self._operands(self._licensing.parse(expression))

    def _operands(self, tree: Any) -> Iterator[str]:
        """Operands of an AND and of those within it; an OR is one, in brackets."""
        if isinstance(tree, self._licensing.AND):
            for part in tree.args:
                yield from self._operands(part)
            return
        text = tree.render(template="{symbol.wrapped.spdx_license_key}")
        yield f"({text})" if isinstance(tree, self._licensing.OR) else text


def _without_history(text: str) -> str:
    """The text without what Python's licence tells of its past; line numbers stay."""
    return _PYTHON_HISTORY.sub(lambda told: "\n" * told[0].count("\n"), text)


def _is_answered(answer: dict[str, Any]) -> bool:
    return bool(answer["num_left"] <= MAX_LEFT_WORDS)


def _may_be_dropped(group: Sequence[Any]) -> bool:
    """Whether ScanCode may take a group of matches for less than a licence.

    Of packages it always takes them for one; of texts it asks first, and reads them anew for it.
    """
    from licensedcode.detection import (  # noqa: PLC0415
        has_correct_license_clue_matches,
        is_low_quality_matches,
    )

    return bool(
        all(match.rule.relevance < 60 for match in group)
        or all(match.rule.length == 1 for match in group)
        or has_correct_license_clue_matches(group)
        or is_low_quality_matches(group)
    )


def _match(match: Any) -> dict[str, Any]:
    return {
        "rule": match.rule.identifier,
        "expression": match.rule.license_expression,
        "score": float(match.score()),
        "start_line": match.start_line,
        "end_line": match.end_line,
        "matcher": match.matcher,
    }
