"""From the few rows of `aggregates`, collected, to the values of a run's summary."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pyspark.sql import Row

from stackspark.duplicates.near.kernels.signatures import band_probability
from stackspark.report.aggregates import EDGES
from stackspark.report.summary import (
    BandCurve,
    ConflictRow,
    FunnelRow,
    Histogram,
    LanguageRow,
    LicenseRow,
    Limit,
    QuarantineExample,
    QuarantineRow,
    SourceRow,
)
from stackspark.rules.causes import UNVERIFIED, cause_place, cause_words

UNITS = {
    "length_bytes": "bytes",
    "num_lines": "lines",
    "avg_line_length": "characters",
    "max_line_length": "characters",
}


def funnel(counts: Iterable[Row], is_verified: bool = True) -> tuple[FunnelRow, ...]:
    """The funnel, from rows of `count_files`: listed, each cause in rule order, then kept.

    `is_verified` is false where near-duplicates went by the rule `components`.
    """
    always = {("listed", ""): [0, 0], ("kept", ""): [0, 0]}
    fates: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0], always)
    for row in counts:
        for fate in (("listed", ""), (row["status"], _fate_cause(row))):
            fates[fate][0] += row["num_files"]
            fates[fate][1] += row["size_bytes"]
    rows = (
        _funnel_row(kind, cause, *fates[kind, cause])
        for kind, cause in sorted(fates, key=_fate_place)
    )
    if is_verified:
        return tuple(rows)
    return tuple(
        replace(row, description=UNVERIFIED) if row.cause == "near_duplicate" else row
        for row in rows
    )


def _fate_cause(row: Row) -> str:
    return (row["cause"] or row["status"]) if row["status"] == "removed" else ""


_KINDS = ("listed", "quarantined", "removed", "kept")


def _fate_place(fate: tuple[str, str]) -> tuple[int, tuple[int, str]]:
    kind, cause = fate
    return _KINDS.index(kind), cause_place(cause)


def _funnel_row(kind: str, cause: str, num_files: int, size_bytes: int) -> FunnelRow:
    words = cause_words(cause or kind)
    return FunnelRow(
        kind=kind,
        cause=cause,
        title=words.title,
        description=words.description,
        num_files=num_files,
        size_bytes=size_bytes,
    )


def languages(
    counts: Iterable[Row], top: int = 40
) -> tuple[tuple[LanguageRow, ...], LanguageRow | None, int]:
    """Languages before and after, from rows of `count_files`.

    Returns:
        The `top` languages by bytes listed, all others summed up (None if there are none) and how
        many those are.
    """
    sums: dict[str | None, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in counts:
        total = sums[row["language"]]
        is_kept = row["status"] == "kept"
        added = (row["num_files"], row["size_bytes"])
        for place, value in enumerate((*added, *(value * is_kept for value in added))):
            total[place] += value
    names = sorted(sums, key=lambda name: (-sums[name][1], -sums[name][0], name or ""))
    rest = [sums[name] for name in names[top:]]
    others = (
        _language_row(None, [sum(column) for column in zip(*rest, strict=True)]) if rest else None
    )
    return tuple(_language_row(name, sums[name]) for name in names[:top]), others, len(rest)


def _language_row(language: str | None, sums: Sequence[int]) -> LanguageRow:
    return LanguageRow(
        language=language,
        num_files=sums[0],
        size_bytes=sums[1],
        num_kept_files=sums[2],
        kept_bytes=sums[3],
    )


def licenses(rows: Iterable[Row]) -> tuple[tuple[LicenseRow, ...], tuple[LicenseRow, ...]]:
    """Totals per license type and the most frequent sets of licences, from `count_licenses`."""
    split: dict[bool, list[LicenseRow]] = {True: [], False: []}
    for row in rows:
        split[row["is_total"]].append(
            LicenseRow(
                expression=None if row["is_total"] else row["expression"],
                license_type=row["license_type"],
                num_files=row["num_files"],
                size_bytes=row["size_bytes"],
                num_kept_files=row["num_kept_files"],
                kept_bytes=row["kept_bytes"],
            )
        )
    return tuple(split[True]), tuple(split[False])


def conflicts(rows: Iterable[Row], ignored: Iterable[str] = ()) -> tuple[ConflictRow, ...]:
    """Conflicts of licences from `count_conflicts`, those that the recipe ignores left out."""
    left_out = frozenset(ignored)
    found = (ConflictRow(**row.asDict()) for row in rows if row["conflict"] not in left_out)
    return tuple(sorted(found, key=lambda row: (row.conflict, row.license_type)))


def histograms(
    rows: Iterable[Row],
    limits: Mapping[str, Sequence[Limit]],
    edges: Mapping[str, tuple[float, ...]] = EDGES,
) -> tuple[Histogram, ...]:
    """Histograms from rows of `count_bins`, ordered as `edges`; those without rows left out."""
    counts: dict[str, dict[int, int]] = defaultdict(dict)
    for row in rows:
        counts[row["metric"]][row["bin"]] = row["num_blobs"]
    return tuple(
        Histogram(
            metric=metric,
            unit=UNITS.get(metric, "share"),
            edges=edges[metric],
            counts=tuple(counts[metric].get(place, 0) for place in range(len(edges[metric]) - 1)),
            limits=tuple(limits.get(metric, ())),
        )
        for metric in edges
        if metric in counts
    )


def quarantine(rows: Iterable[Row]) -> tuple[QuarantineRow, ...]:
    """Quarantined inputs by error class, most frequent first, from rows of `count_quarantine`."""
    return tuple(
        QuarantineRow(
            error_class=row["error_class"],
            grain=row["grain"],
            num_inputs=row["num_inputs"],
            examples=tuple(QuarantineExample(**example.asDict()) for example in row["examples"]),
        )
        for row in sorted(rows, key=_quarantine_place)
    )


def _quarantine_place(row: Row) -> tuple[int, str, str]:
    return -row["num_inputs"], row["error_class"], row["grain"]


def sources(rows: Iterable[Row]) -> tuple[SourceRow, ...]:
    """Counts of each source, by name, from rows of `count_sources`."""
    found = (SourceRow(**row.asDict()) for row in rows)
    return tuple(sorted(found, key=lambda row: row.source))


SIMILARITIES = tuple(step / 100 for step in range(50, 100, 5))


def band_curve(num_bands: int, rows_per_band: int, threshold: float) -> BandCurve:
    """Probability that a pair agrees on at least one band, at similarities 0.5 to 0.95."""
    found = tuple((s, band_probability(s, num_bands, rows_per_band)) for s in SIMILARITIES)
    return BandCurve(
        num_bands=num_bands, rows_per_band=rows_per_band, threshold=threshold, found=found
    )
