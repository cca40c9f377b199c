"""A summary of a middling run with something in every field, and a failed one."""

import dataclasses
import math
from datetime import UTC, datetime

from stackspark.duplicates.families import FamilyRow, NamedFile
from stackspark.duplicates.removal_bands import RemovalRate
from stackspark.report.aggregates import EDGES
from stackspark.report.fold import UNITS, band_curve
from stackspark.report.summary import (
    ConflictRow,
    ConservationRow,
    ContractRow,
    ExportRow,
    FailedRule,
    Failure,
    FetchRow,
    FunnelRow,
    Histogram,
    LanguageRow,
    LicenseRow,
    Limit,
    QuarantineExample,
    QuarantineRow,
    RoundRow,
    RunSummary,
    SourceRow,
    TimingRow,
)
from stackspark.rules.causes import cause_words
from stackspark.sources.canaries import CanaryRow

HOSTILE = "<script>alert(1)</script>"
BIDI = "invoice\u202etxt.exe"

_REMOVED = {
    "not_a_file": (4_211, 190_000),
    "binary": (151_204, 9_120_000_000),
    "too_large": (312, 4_700_000_000),
    "empty": (12_004, 0),
    "opt_out": (2_133, 21_400_000),
    "license": (188_420, 1_870_000_000),
    "excluded_pair": (42_118, 611_000_000),
    "num_lines": (19, 310_000_000),
    "avg_line_length": (6_312, 402_000_000),
    "max_line_length": (21_077, 1_204_000_000),
    "generated": (30_442, 588_000_000),
    "alpha_fraction": (1_804, 57_000_000),
    "encoded_fraction": (977, 61_000_000),
    "contamination": (41, 320_000),
    "exact_duplicate": (301_922, 2_410_000_000),
    "normalized_duplicate": (4_812, 33_000_000),
    "near_duplicate": (96_310, 904_000_000),
}
_LANGUAGES = (
    ("Python", 3_900_000_000, 0.41), ("C", 3_310_000_000, 0.33),
    ("JavaScript", 2_980_000_000, 0.21), ("Java", 1_950_000_000, 0.44),
    ("JSON", 1_800_000_000, 0.08), ("C++", 1_610_000_000, 0.38), ("HTML", 1_240_000_000, 0.12),
    ("Markdown", 820_000_000, 0.62), ("Go", 700_000_000, 0.52), (None, 655_000_000, 0.0),
    ("TypeScript", 610_000_000, 0.47), ("Rust", 420_000_000, 0.58), ("PHP", 401_000_000, 0.4),
    ("Shell", 130_000_000, 0.51), ("Motorola 68K Assembly", 9_000_000, 0.3),
)  # fmt: skip


def summary() -> RunSummary:
    """A published run."""
    return RunSummary(
        run_id="20260114T081502Z-7f3a9c",
        recipe="default",
        lake="/data/lakes/team's lake",
        code_version="0.1.0+3f9d21c7",
        started_at=datetime(2026, 1, 14, 8, 15, 2, tzinfo=UTC),
        finished_at=datetime(2026, 1, 14, 10, 2, 47, tzinfo=UTC),
        params={
            "name": "default",
            "near_duplicates": {"threshold": 0.7, "num_bands": 36, "rows_per_band": 7},
            "quality": {"max_line_length": 1000, "long_line_languages": ["HTML", "JSON", "TeX"]},
            "visit_date": None,
        },
        sources=(
            SourceRow(source="git:/data/mirrors/*.git", num_origins=3_204, num_files=1_390_211),
            SourceRow(source="wheel:/data/wheels", num_origins=918, num_files=41_077),
        ),
        funnel=_funnel(),
        conservation=_conservation(),
        languages=tuple(_language(*row) for row in _LANGUAGES),
        other_languages=_language(None, 910_000_000, 0.37),
        num_other_languages=118,
        removal_bands=(
            RemovalRate(step="near_duplicates", kind="language", key="Python", num_in=91_200,
                           num_removed=14_700, min_fraction=0.02, max_fraction=0.6),
            RemovalRate(step="near_duplicates", kind="language", key="", num_in=30_112,
                           num_removed=9_004, min_fraction=0.0, max_fraction=0.995),
            RemovalRate(step="near_duplicates", kind="source", key="wheel:/data/" + HOSTILE,
                           num_in=40_007, num_removed=9_011, min_fraction=0.0, max_fraction=0.8),
        ),
        license_types=(
            _license("permissive", None, 702_118, 381_004),
            _license("no_license", None, 540_750, 186_166),
            _license("non_permissive", None, 188_420, 0),
        ),
        licenses=(
            _license("permissive", "MIT", 401_203, 221_880),
            _license("no_license", "", 540_750, 186_166),
            _license("permissive", "Apache-2.0", 240_011, 140_310),
            _license("permissive", "MIT, Apache-2.0 WITH LLVM-exception", 11_204, 6_110),
            _license("non_permissive", "GPL-3.0-or-later", 120_440, 0),
        ),
        license_conflicts=(
            ConflictRow(conflict="other_terms_elsewhere", license_type="permissive",
                        num_files=5_120, num_kept_files=1_204),
        ),
        families=_families(),
        histograms=tuple(_histogram(metric) for metric in EDGES),
        band_curve=band_curve(36, 7, 0.7),
        rounds=(
            _round(1, 611_204, 402_118, 88_104),
            _round(2, 70_114, 21_118, 7_902),
            _round(3, 2_004, 611, 304),
        ),
        quarantine=(
            QuarantineRow(error_class="truncated_archive", grain="entry", num_inputs=12, examples=(
                QuarantineExample(source="wheel:/data/wheels", key="broken-1.0-py3-none-any.whl",
                                  message="ends after 4,096 of 91,204 bytes; fetch it again"),)),
            QuarantineRow(error_class="corrupt_object", grain="content", num_inputs=3, examples=(
                QuarantineExample(source="git:/data/mirrors/x.git", key="swh:1:cnt:" + "ab" * 20,
                                  message=f"hash differs \x1b[31m in {HOSTILE}"),)),
        ),
        contracts=tuple(
            ContractRow(table=table, version=3, num_rows=rows, num_rules=rules)
            for table, rows, rules in (
                ("origins", 4_122, 44), ("files", 1_431_288, 25), ("contents", 803_111, 14),
                ("measurements", 651_907, 46), ("ledger", 561_004, 12),
                ("near_duplicates", 101_122, 9),
            )
        ),
        canaries=(
            CanaryRow(rule="near_duplicate", num_planted=20, num_caught=20, num_false_alarms=1),
            CanaryRow(rule="contamination", num_planted=4, num_caught=4, num_false_alarms=0),
        ),
        timings=(
            _timing("list files", 312.4, 1_431_288, 2_100_000_000),
            _timing("fetch contents", 1_840, 803_111, 24_100_000_000),
            _timing("scan contents", 2_902, 651_907, 13_900_000_000),
            _timing("near-duplicates", 1_010, 611_204, 410_000_000),
            _timing("licenses", 0, 1_431_288, 0, is_taken_over=True),
            _timing("export", 401, 567_170, 6_900_000_000),
        ),
        fetched=FetchRow(
            num_contents=803_111, num_unusable=41, num_requests=811_530, num_retries=8_419,
            body_bytes=24_100_000_000, text_bytes=71_400_000_000, usd=0.324612,
        ),
        exports=(
            ExportRow(dataset="files", folder="shards/files/9f31c02a77d0", num_shards=14,
                      num_rows=567_170, size_bytes=1_780_000_000),
            ExportRow(dataset="ids", folder="shards/ids/1c77a0be2210", num_shards=2,
                      num_rows=3_001, size_bytes=61_000_000),
        ),
    )  # fmt: skip


def failed_summary() -> RunSummary:
    """A run that a contract stopped."""
    broken = ContractRow(
        table="near_duplicates",
        version=4,
        num_rows=101_122,
        num_rules=9,
        failed=(
            FailedRule(
                rule="similarity_valid",
                expression="similarity between 0 and 1",
                num_failed=2,
                examples=(f"blob_id={'0a' * 20}, similarity=1.25, scope={HOSTILE}",),
            ),
        ),
    )
    lost = ConservationRow(
        step="near_duplicates", num_in=663_480, num_kept=567_167, num_removed=96_310,
        num_quarantined=0,
    )  # fmt: skip
    run = summary()
    return dataclasses.replace(
        run,
        failure=Failure(
            step="near_duplicates",
            message="2 of 101,122 rows break rule similarity_valid of near_duplicates@v4",
        ),
        contracts=(*run.contracts[:-1], broken),
        conservation=(*run.conservation[:-1], lost),
        exports=(),
    )


def _funnel() -> tuple[FunnelRow, ...]:
    left = [1_431_288, 26_800_000_000]
    rows = [_fate("listed", "", *left)]
    fates = [("quarantined", "", 1_204, 9_100_000)]
    fates += [("removed", cause, *counts) for cause, counts in _REMOVED.items()]
    for kind, cause, num_files, size_bytes in fates:
        rows.append(_fate(kind, cause, num_files, size_bytes))
        left = [left[0] - num_files, left[1] - size_bytes]
    return (*rows, _fate("kept", "", *left))


def _fate(kind: str, cause: str, num_files: int, size_bytes: int) -> FunnelRow:
    words = cause_words(cause or kind)
    return FunnelRow(
        kind=kind, cause=cause, title=words.title, description=words.description,
        num_files=num_files, size_bytes=size_bytes,
    )  # fmt: skip


def _conservation() -> tuple[ConservationRow, ...]:
    stages = (
        ("fetch_contents", 1_431_288, 168_935, 1_204), ("judge_licenses", 1_261_149, 190_553, 0),
        ("judge_quality", 1_070_596, 102_790, 0), ("exact_duplicates", 967_806, 301_922, 0),
        ("near_duplicates", 665_884, 101_122, 0),
    )  # fmt: skip
    return tuple(
        ConservationRow(
            step=stage, num_in=into, num_kept=into - removed - lost, num_removed=removed,
            num_quarantined=lost,
        )
        for stage, into, removed, lost in stages
    )  # fmt: skip


def _round(number: int, candidates: int, verified: int, removed: int) -> RoundRow:
    return RoundRow(
        round=number, num_candidate_edges=candidates, num_verified_edges=verified,
        num_removed=removed,
    )  # fmt: skip


def _timing(
    stage: str, seconds: float, num_rows: int, read_bytes: int, is_taken_over: bool = False
) -> TimingRow:
    return TimingRow(
        step=stage, seconds=seconds, num_rows=num_rows, read_bytes=read_bytes,
        is_taken_over=is_taken_over,
    )  # fmt: skip


def _language(language: str | None, size_bytes: int, kept: float) -> LanguageRow:
    return LanguageRow(
        language=language, num_files=size_bytes // 14_000, size_bytes=size_bytes,
        num_kept_files=int(size_bytes * kept) // 11_000, kept_bytes=int(size_bytes * kept),
    )  # fmt: skip


def _license(license_type: str, expression: str | None, num_files: int, kept: int) -> LicenseRow:
    return LicenseRow(
        license_type=license_type, expression=expression, num_files=num_files,
        size_bytes=num_files * 9_000, num_kept_files=kept, kept_bytes=kept * 8_000,
    )  # fmt: skip


def _families() -> tuple[FamilyRow, ...]:
    near = FamilyRow(
        kind="near",
        num_members=12_431,
        kept=NamedFile(blob_id="1b" * 20, repo_name="jquery/jquery", path="/dist/jquery.js"),
        examples=(
            NamedFile(blob_id="2c" * 20, repo_name="acme/" + HOSTILE, path="/static/" + BIDI,
                      similarity=0.7),
            NamedFile(blob_id="3d" * 20, repo_name="someone/blog", similarity=0.98,
                      path="/wp-content/themes/twentyten/assets/vendor/javascript/jquery-1.12.js"),
        ),
    )  # fmt: skip
    second = dataclasses.replace(
        near, num_members=804,
        kept=NamedFile(blob_id="4e" * 20, repo_name="pypa/pip", path="/src/pip/_vendor/six.py"),
        examples=near.examples[1:],
    )  # fmt: skip
    exact = FamilyRow(
        kind="exact",
        num_members=40_112,
        kept=NamedFile(blob_id="5f" * 20, repo_name="torvalds/linux", path="/include/linux/init.h"),
        examples=(NamedFile(blob_id="5f" * 20, repo_name="x/y", path="/k/init.h", similarity=1.0),),
    )
    return near, second, exact


_LIMITS = {
    "num_lines": (Limit(value=100_000, removes="above", label="max 100,000"),),
    "avg_line_length": (Limit(value=100, removes="above", label="max 100"),),
    "max_line_length": (
        Limit(value=1_000, removes="above", label="max 1,000"),
        Limit(value=100_000, removes="above", label="max 100,000 (9 languages)"),
    ),
    "alpha_fraction": (Limit(value=0.25, removes="below", label="min 25 %"),),
    "encoded_fraction": (Limit(value=0.5, removes="above", label="max 50 %"),),
}
_PEAKS = {"length_bytes": 11, "num_lines": 9, "avg_line_length": 7, "max_line_length": 9,
          "alpha_fraction": 13, "encoded_fraction": -2}  # fmt: skip


def _histogram(metric: str) -> Histogram:
    num_bins = len(EDGES[metric]) - 1
    peak = _PEAKS[metric]
    heights = (math.exp(-(((place - peak) / 3.2) ** 2)) for place in range(num_bins))
    return Histogram(
        metric=metric,
        unit=UNITS.get(metric, "share"),
        edges=EDGES[metric],
        counts=tuple(round(90_000 * height) for height in heights),
        limits=_LIMITS.get(metric, ()),
    )
