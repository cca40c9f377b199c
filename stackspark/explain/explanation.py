"""The answer of `explain`: why a file is in the dataset or out of it, as values and as text."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from stackspark.rules.causes import cause_words, evidence_words, verdict_words
from stackspark.runtime.formatting import number, visible

MAX_FIELD_CHARS = 2000
MAX_MATCHES = 10


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One verdict that holds for a file, or for its origin."""

    rule: str
    rule_order: int
    grain: str
    step: str
    value: float | None = None
    limit: float | None = None
    evidence: str | None = None

    @property
    def words(self) -> str:
        """The verdict in words."""
        return verdict_words(self.rule, self.value, self.limit)


@dataclass(frozen=True, kw_only=True)
class Twin:
    """The kept file that a duplicate repeats; `established_by` says how the similarity is known."""

    blob_id: str
    similarity: float
    established_by: str
    repo_name: str | None = None
    path: str | None = None
    swhid: str | None = None


@dataclass(frozen=True, kw_only=True)
class LicenseMatch:
    """A rule of the licence index that matched lines of a licence file; `score` is in 0..100."""

    rule: str
    expression: str
    score: float
    start_line: int
    end_line: int
    matcher: str


@dataclass(frozen=True, kw_only=True)
class LicenseSource:
    """Where one licence expression came from, and for a licence file what the detector said."""

    expression: str
    path: str
    source: str
    outcome: str | None = None
    detector: str | None = None
    matches: tuple[LicenseMatch, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Copy:
    """Another file with the same bytes."""

    repo_name: str
    path: str


@dataclass(frozen=True, kw_only=True)
class FileExplanation:
    """One file: what it is, what became of it, and why.

    `status` is kept, removed or quarantined. `reasons` are all verdicts that hold, in
    the order of rules: the first is the cause under which the file is counted.
    """

    repo_name: str
    origin_url: str
    path: str
    directory_id: str
    swhid: str
    content_id: str
    blob_id: str | None
    length_bytes: int | None
    language: str | None
    encoding: str | None
    license_type: str | None
    license_reason: str | None
    licenses: tuple[str, ...]
    license_sources: tuple[LicenseSource, ...]
    license_conflicts: tuple[str, ...]
    status: str
    reasons: tuple[Reason, ...]
    twin: Twin | None
    problems: tuple[str, ...]
    documents: tuple[str, ...]
    num_copies: int
    copies: tuple[Copy, ...]


@dataclass(frozen=True, kw_only=True)
class Unlisted:
    """Something of which no file was listed: an opted-out origin, a broken archive or entry."""

    name: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The answer; `candidates` are set instead of `files` where the target names several paths.

    `has_more` says that more files match than are shown.
    """

    target: str
    files: tuple[FileExplanation, ...] = ()
    candidates: tuple[Copy, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()
    has_more: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The answer for a script, as JSON can hold it; each reason in words too."""
        answer = asdict(self)
        for shown, file in zip(answer["files"], self.files, strict=True):
            for item, reason in zip(shown["reasons"], file.reasons, strict=True):
                item["words"] = reason.words
        return answer

    def to_text(self) -> str:
        """The answer for a terminal."""
        return render_text(self)


def render_text(explanation: Explanation) -> str:
    """The answer as plain aligned lines; characters that a terminal would obey are escaped."""
    blocks = ["\n".join(_file_lines(file)) for file in explanation.files]
    blocks += [f"{_shown(item.name)}\n  {_shown(item.words)}" for item in explanation.unlisted]
    if explanation.candidates:
        blocks.append("\n".join(_candidate_lines(explanation)))
    elif explanation.has_more:
        blocks.append(f"More files match; the first {len(explanation.files)} are shown.")
    return "\n\n".join(blocks)


def _candidate_lines(explanation: Explanation) -> Iterator[str]:
    count = f"{'more than ' if explanation.has_more else ''}{len(explanation.candidates)}"
    yield f"{_shown(explanation.target)} names {count} files; say REPOSITORY:PATH for one of:"
    for file in explanation.candidates:
        yield f"  {_shown(file.repo_name)}:{_shown(file.path)}"


def _file_lines(file: FileExplanation) -> Iterator[str]:
    yield f"{_shown(file.repo_name)}:{_shown(file.path)}"
    for name, value in _fields(file):
        yield f"  {name:<9} {_shown(value)}"


def _fields(file: FileExplanation) -> Iterator[tuple[str, str]]:
    """Names and values, in reading order; a name is empty where it repeats."""
    first = file.reasons[0] if file.reasons else None
    cause = f": {cause_words(first.rule).title}" if first else ""
    yield "status", f"{file.status.upper().replace('_', ' ')}{cause}"
    for place, reason in enumerate(file.reasons):
        yield ("because", "also", "")[min(place, 2)], _reason_line(reason)
    yield from _named("problem", file.problems)
    if file.twin:
        yield from _twin_fields(file.twin)
    yield from _named("document", file.documents)
    size = "not fetched" if file.length_bytes is None else f"{number(file.length_bytes)} bytes"
    decoded = f", from {file.encoding}" if file.encoding else ""
    yield "language", file.language or "unknown"
    yield from _license_fields(file)
    yield "swhid", file.swhid
    yield "blob", f"{file.blob_id or 'unknown'}, {size}{decoded}"
    if file.num_copies:
        files = "file" if file.num_copies == 1 else "files"
        yield "copies", f"the same bytes in {number(file.num_copies)} other {files}"
        shown = [f"{copy.repo_name}:{copy.path}" for copy in file.copies]
        left = file.num_copies - len(shown)
        yield from (
            ("", line) for line in (*shown, *([f"and {number(left)} more"] if left else []))
        )


def _reason_line(reason: Reason) -> str:
    evidence = f" [{reason.evidence}]" if reason.evidence else ""
    decided = (
        f" (decided on the {reason.grain.replace('_', ' ')})" if reason.grain != "file" else ""
    )
    return f"{reason.rule}: {reason.words}{evidence}{decided}"


def _twin_fields(twin: Twin) -> Iterator[tuple[str, str]]:
    where = f"{twin.repo_name}:{twin.path}" if twin.path else twin.blob_id
    how = evidence_words(twin.established_by)
    yield "kept twin", f"{where}, similarity {twin.similarity:.3f} ({how})"
    if twin.swhid:
        yield "", twin.swhid


def _license_fields(file: FileExplanation) -> Iterator[tuple[str, str]]:
    if file.license_type is None:
        yield "licence", "not decided"
        return
    names = ", ".join(file.licenses) or "none found"
    decision = f"{file.license_type.replace('_', ' ')} ({file.license_reason})"
    yield "licence", f"{decision}: {names}"
    for source in file.license_sources:
        yield "", f"{source.expression} from {source.path} ({source.source.replace('_', ' ')})"
        yield from _detection_fields(source)
    yield from _named("conflict", tuple(c.replace("_", " ") for c in file.license_conflicts))


def _detection_fields(source: LicenseSource) -> Iterator[tuple[str, str]]:
    """The detector and the rules that matched, below the licence file that they matched in."""
    if source.detector is None or source.outcome is None:
        return
    yield "", f"  {source.outcome.replace('_', ' ')} by {source.detector}"
    for match in source.matches[:MAX_MATCHES]:
        lines = f"lines {match.start_line} to {match.end_line}"
        yield "", f"  {match.expression}: {lines} match {match.rule}, score {number(match.score)}"
    if len(source.matches) > MAX_MATCHES:
        yield "", f"  and {number(len(source.matches) - MAX_MATCHES)} more"


def _named(name: str, values: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for place, value in enumerate(values):
        yield "" if place else name, value


def _shown(text: str) -> str:
    return visible(text, MAX_FIELD_CHARS)
