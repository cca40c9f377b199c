"""Collected rows become the values of a summary."""

import pytest
from pyspark.sql import Row

from stackspark.report import fold
from stackspark.report.summary import Limit

COUNTS = [
    Row(status="kept", cause=None, language="C", num_files=5, size_bytes=50),
    Row(status="removed", cause="near_duplicate", language="C", num_files=2, size_bytes=20),
    Row(status="removed", cause="license", language="C", num_files=1, size_bytes=9),
    Row(status="removed", cause="license", language=None, num_files=1, size_bytes=1),
    Row(status="removed", cause="a_new_rule", language="Go", num_files=1, size_bytes=3),
    Row(status="quarantined", cause=None, language=None, num_files=3, size_bytes=0),
]


def test_funnel_follows_the_order_of_rules_and_adds_up() -> None:
    rows = fold.funnel(COUNTS)
    assert [(row.kind, row.cause, row.num_files, row.size_bytes) for row in rows] == [
        ("listed", "", 13, 83),
        ("quarantined", "", 3, 0),
        ("removed", "license", 2, 10),
        ("removed", "near_duplicate", 2, 20),
        ("removed", "a_new_rule", 1, 3),
        ("kept", "", 5, 50),
    ]
    assert rows[0].num_files == sum(row.num_files for row in rows[1:])


def test_funnel_does_not_call_components_verified() -> None:
    (verified,) = (row for row in fold.funnel(COUNTS) if row.cause == "near_duplicate")
    joined = fold.funnel(COUNTS, is_verified=False)
    assert verified.description.startswith("Verified")
    assert [row.cause for row in joined if "nothing was verified" in row.description] == [
        "near_duplicate"
    ]


def test_funnel_of_nothing_still_says_listed_and_kept() -> None:
    assert [(row.kind, row.num_files) for row in fold.funnel([])] == [("listed", 0), ("kept", 0)]


def test_languages_keeps_the_largest_and_sums_up_the_rest() -> None:
    top, others, num_others = fold.languages(COUNTS, top=1)
    assert [(row.language, row.size_bytes, row.kept_bytes) for row in top] == [("C", 79, 50)]
    assert num_others == 2
    assert others is not None
    assert (others.num_files, others.size_bytes, others.num_kept_files) == (5, 4, 0)
    assert fold.languages(COUNTS)[1:] == (None, 0)


def test_histograms_fill_empty_bins_and_leave_out_unmeasured_metrics() -> None:
    limit = Limit(value=2, removes="above", label="max 2")
    rows = [Row(metric="num_lines", bin=1, num_blobs=4)]
    edges = {"num_lines": (0.0, 1.0, 2.0, 4.0), "alpha_fraction": (0.0, 1.0)}
    (data,) = fold.histograms(rows, {"num_lines": [limit]}, edges)
    assert (data.metric, data.unit, data.counts, data.limits) == (
        "num_lines", "lines", (0, 4, 0), (limit,),
    )  # fmt: skip


def test_conflicts_are_in_order_and_without_what_is_ignored() -> None:
    counts = {"license_type": "permissive", "num_files": 2, "num_kept_files": 1}
    rows = [Row(conflict=name, **counts) for name in ("other", "github", "near")]
    assert [row.conflict for row in fold.conflicts(rows)] == ["github", "near", "other"]
    assert [row.conflict for row in fold.conflicts(rows, ("near", "other"))] == ["github"]


def test_licenses_split_totals_from_sets() -> None:
    common = {"license_type": "permissive", "num_files": 2, "size_bytes": 3,
              "num_kept_files": 1, "kept_bytes": 2}  # fmt: skip
    totals, sets = fold.licenses(
        [
            Row(expression=None, is_total=True, **common),
            Row(expression="", is_total=False, **common),
        ]
    )
    assert [row.expression for row in totals] == [None]
    assert [row.expression for row in sets] == [""]


def test_quarantine_orders_by_number() -> None:
    rows = [Row(error_class=name, grain="content", num_inputs=count,
                examples=[Row(source="s", key="k", message="m")])
            for name, count in (("a", 1), ("b", 9))]  # fmt: skip
    assert [row.error_class for row in fold.quarantine(rows)] == ["b", "a"]


@pytest.mark.parametrize(
    ("similarity", "found"),
    [(0.5, 0.024), (0.6, 0.141), (0.65, 0.287), (0.7, 0.512), (0.75, 0.765), (0.8, 0.942)],
)
def test_band_curve_gives_the_published_chances_of_25_bands_of_10(
    similarity: float, found: float
) -> None:
    assert dict(fold.band_curve(25, 10, 0.7).found)[similarity] == pytest.approx(found, abs=1e-3)
