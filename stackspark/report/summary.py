"""Everything that a run's page shows, as plain values that outlive the run as JSON.

The page is rendered from this alone, so that a report can be rendered again without the lake.
Sizes are bytes of file contents unless a field says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stackspark.duplicates.families import FamilyRow
from stackspark.duplicates.removal_bands import RemovalRate
from stackspark.errors import InputError
from stackspark.sources.canaries import CanaryRow


@dataclass(frozen=True, kw_only=True)
class SourceRow:
    """Counts of one source of the recipe."""

    source: str
    num_origins: int
    num_files: int


@dataclass(frozen=True, kw_only=True)
class FunnelRow:
    """Files with one fate; `kind` is listed, removed, quarantined or kept."""

    kind: str
    cause: str
    title: str
    description: str
    num_files: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class ConservationRow:
    """The balance of one step, in files unless its name says otherwise."""

    step: str
    num_in: int
    num_kept: int
    num_removed: int
    num_quarantined: int

    @property
    def num_missing(self) -> int:
        """Rows that went in and came out nowhere; negative if more came out."""
        out = self.num_kept + self.num_removed + self.num_quarantined
        return self.num_in - out

    @property
    def is_ok(self) -> bool:
        """Whether every row is accounted for."""
        return self.num_missing == 0


@dataclass(frozen=True, kw_only=True)
class LanguageRow:
    """Files of one language before and after; language None: unknown."""

    language: str | None
    num_files: int
    size_bytes: int
    num_kept_files: int
    kept_bytes: int


@dataclass(frozen=True, kw_only=True)
class LicenseRow:
    """Files with one set of licences; expression None: the total of the license type."""

    expression: str | None
    license_type: str
    num_files: int
    size_bytes: int
    num_kept_files: int
    kept_bytes: int


@dataclass(frozen=True, kw_only=True)
class ConflictRow:
    """Files of one license type of which something speaks against the decision."""

    conflict: str
    license_type: str
    num_files: int
    num_kept_files: int


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A rule's limit on a metric; `removes` is above or below."""

    value: float
    removes: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Distinct contents per bin; bin i is edges[i] <= x < edges[i + 1], the last takes the rest."""

    metric: str
    unit: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BandCurve:
    """Chance of a pair to become a candidate, as (similarity, probability) pairs."""

    num_bands: int
    rows_per_band: int
    threshold: float
    found: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class RoundRow:
    """One round of the near-duplicate search, in candidate edges and blobs."""

    round: int
    num_candidate_edges: int
    num_verified_edges: int
    num_removed: int


@dataclass(frozen=True, kw_only=True)
class QuarantineExample:
    """One input that could not be used."""

    source: str
    key: str
    message: str


@dataclass(frozen=True, kw_only=True)
class QuarantineRow:
    """Inputs that could not be used, by what is wrong with them."""

    error_class: str
    grain: str
    num_inputs: int
    examples: tuple[QuarantineExample, ...]


@dataclass(frozen=True, kw_only=True)
class FailedRule:
    """A rule of a contract that rows break; an example is one row as text."""

    rule: str
    expression: str
    num_failed: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ContractRow:
    """The contract of one table, checked on one version."""

    table: str
    version: int
    num_rows: int
    num_rules: int
    failed: tuple[FailedRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TimingRow:
    """One step of the run; `is_taken_over` if an audited step was used again.

    `gate_seconds` is the part of its time that the contracts' check took.
    """

    step: str
    seconds: float
    num_rows: int
    read_bytes: int
    is_taken_over: bool = False
    gate_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class FetchRow:
    """Cost of contents from stores; `num_retries` of the requests were for spoiled answers.

    `body_bytes` is what was moved, compressed; `text_bytes` what it holds; `usd` the price of both
    by the recipe.
    """

    num_contents: int
    num_unusable: int
    num_requests: int
    num_retries: int
    body_bytes: int
    text_bytes: int
    usd: float


@dataclass(frozen=True, kw_only=True)
class ExportRow:
    """One dataset that was written; sizes are those of the shard files."""

    dataset: str
    folder: str
    num_shards: int
    num_rows: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why nothing was published."""

    step: str
    message: str


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """One run; a run with a `failure` published nothing, and may lack what comes after it."""

    run_id: str
    recipe: str
    lake: str
    code_version: str
    started_at: datetime
    finished_at: datetime
    params: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None
    sources: tuple[SourceRow, ...] = ()
    funnel: tuple[FunnelRow, ...] = ()
    conservation: tuple[ConservationRow, ...] = ()
    languages: tuple[LanguageRow, ...] = ()
    other_languages: LanguageRow | None = None
    num_other_languages: int = 0
    removal_bands: tuple[RemovalRate, ...] = ()
    license_types: tuple[LicenseRow, ...] = ()
    licenses: tuple[LicenseRow, ...] = ()
    license_conflicts: tuple[ConflictRow, ...] = ()
    families: tuple[FamilyRow, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    band_curve: BandCurve | None = None
    rounds: tuple[RoundRow, ...] = ()
    is_verified: bool = True
    quarantine: tuple[QuarantineRow, ...] = ()
    contracts: tuple[ContractRow, ...] = ()
    canaries: tuple[CanaryRow, ...] = ()
    timings: tuple[TimingRow, ...] = ()
    fetched: FetchRow | None = None
    exports: tuple[ExportRow, ...] = ()
    removed_example: str | None = None
    """REPOSITORY:PATH of a removed file, for `explain`; None where no rule removed any."""


def to_json(summary: RunSummary) -> str:
    """The summary as JSON; equal summaries give equal text."""
    return _adapter().dump_json(summary, indent=2).decode() + "\n"


def from_json(text: str) -> RunSummary:
    """Read what `to_json` wrote.

    Raises:
        InputError: the text is not a summary; the message names the first field that is wrong.
    """
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the text"
        raise InputError(
            f"not the summary of a run: {where}: {first['msg']}; render the report of another run"
        ) from None


@cache
def _adapter() -> TypeAdapter[RunSummary]:
    return TypeAdapter(RunSummary)
