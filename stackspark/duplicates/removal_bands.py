"""How much near-duplicates may remove of a language or a source before a run stops.

A search that goes wrong (chains that join strangers, a signature that many texts share) removes
nearly everything of something. The band of each rate is the recipe's; a rate outside it breaks the
contract of `near_duplicates`, and nothing is published.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Row

from stackspark.contracts.gate import TableRule
from stackspark.duplicates.families import FamilyRow
from stackspark.errors import InvalidParamsError
from stackspark.languages.linguist import is_language, language_table
from stackspark.runtime.formatting import did_you_mean, limit_words, number, visible

RULE = "removal_rates_in_bands"
TOP_FAMILIES = 5
MAX_SHOWN = 5
"""Rates that a message shows."""

Band = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class RemovalBandsParams:
    """The share of files that near-duplicates may remove; both ends of a band are allowed.

    The share is of the files that are compared: what every other rule keeps, exact copies once.

    Attributes:
        min_files: languages and sources with fewer files to compare are not judged.
        default: least and largest share, from 0 to 1, where no other band is given.
        languages: bands of single languages, by Linguist's name.
        sources: bands of single sources, as the recipe or the command line writes them.
    """

    min_files: int = 1000
    default: Band = (0.0, 0.8)
    languages: dict[str, Band] = field(default_factory=dict)
    sources: dict[str, Band] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.min_files < 1:
            raise InvalidParamsError(
                f"removal_bands.min_files must be at least 1, found {self.min_files}"
            )
        _check_band("default", self.default)
        for kind in ("languages", "sources"):
            for key, band in getattr(self, kind).items():
                _check_band(f"{kind}.{key}", band)
        for language in self.languages:
            if not is_language(language):
                near = did_you_mean(language, language_table())
                raise InvalidParamsError(
                    f"removal_bands.languages: Linguist has no language {language!r}{near}"
                )

    def band_of(self, kind: str, key: str) -> Band:
        """The band of a language or source; `kind` says which it is."""
        bands = self.languages if kind == "language" else self.sources
        return bands.get(key, self.default)

    def check_sources(self, known: Collection[str]) -> None:
        """Refuse a band of a source that there is not.

        Raises:
            InvalidParamsError: names the nearest source.
        """
        for source in self.sources:
            if source not in known:
                near = did_you_mean(source, known)
                raise InvalidParamsError(
                    f"removal_bands.sources: there is no source {source!r}{near}"
                )


@dataclass(frozen=True, kw_only=True)
class RemovalRate:
    """The share that a step removed of one language or source, and the band it must lie in.

    `kind` is language or source; the key of an unknown language is empty.
    """

    step: str
    kind: str
    key: str
    num_in: int
    num_removed: int
    min_fraction: float
    max_fraction: float

    @property
    def removed_fraction(self) -> float:
        """Share removed, in 0..1."""
        return self.num_removed / self.num_in if self.num_in else 0.0

    @property
    def is_ok(self) -> bool:
        """Whether the share lies in its band."""
        return self.min_fraction <= self.removed_fraction <= self.max_fraction


def removal_rates(counts: Iterable[Row], params: RemovalBandsParams) -> list[RemovalRate]:
    """Hold counts against their bands: rows of `count_removals`, most files first."""
    rates = []
    for row in counts:
        least, largest = params.band_of(row["kind"], row["key"])
        rates.append(
            RemovalRate(
                step="near_duplicates",
                kind=row["kind"],
                key=row["key"],
                num_in=row["num_in"],
                num_removed=row["num_removed"],
                min_fraction=least,
                max_fraction=largest,
            )
        )
    return sorted(rates, key=lambda rate: (rate.kind, -rate.num_in, rate.key))


def shown_breaches(rates: Sequence[RemovalRate]) -> list[RemovalRate]:
    """The rates outside their bands that a message tells of."""
    return [rate for rate in rates if not rate.is_ok][:MAX_SHOWN]


def bands_rule(rates: Sequence[RemovalRate], families: Sequence[FamilyRow]) -> TableRule:
    """The rule of the contract that every rate lies in its band.

    Args:
        rates: all that are judged.
        families: the largest among what went of the breaches that are shown.
    """
    shown = shown_breaches(rates)
    if not shown:
        return TableRule(RULE, True, f"{len(rates):,} removal rates lie in their bands")
    num_broken = sum(not rate.is_ok for rate in rates)
    detail = (
        f"{num_broken:,} of {len(rates):,} removal rates lie outside their bands, such as that of "
        f"{_breach_words(shown[0])}; if that is right, widen near_duplicates.removal_bands"
    )
    lines = [_breach_words(rate) for rate in shown]
    if num_broken > len(shown):
        lines.append(f"and {num_broken - len(shown):,} more")
    lines += [_family_words(family) for family in families[:TOP_FAMILIES]]
    return TableRule(RULE, False, detail, tuple(lines))


def band_notes(rates: Sequence[RemovalRate]) -> list[Mapping[str, object]]:
    """The rates as a step notes them."""
    return [vars(rate) for rate in rates]


def _check_band(name: str, band: Band) -> None:
    least, largest = band
    if not 0 <= least <= largest <= 1:
        raise InvalidParamsError(
            f"removal_bands.{name}: needed two shares from 0 to 1, the lesser one first, "
            f"found {least}, {largest}"
        )


def _breach_words(rate: RemovalRate) -> str:
    fraction = rate.removed_fraction
    limit = rate.max_fraction if fraction > rate.max_fraction else rate.min_fraction
    return (
        f"{rate.kind} {visible(rate.key) or 'unknown'}: near-duplicates removed "
        f"{number(rate.num_removed)} of {number(rate.num_in)} files, {limit_words(fraction, limit)}"
    )


def _family_words(family: FamilyRow) -> str:
    kept = family.kept
    place = f"{visible(kept.repo_name)}:{visible(kept.path)}"
    language = visible(kept.language or "unknown language")
    return f"{number(family.num_members)} are similar to {place} ({language})"
