"""A summary outlives its run as JSON."""

import json

import pytest
from sample_summary import failed_summary, summary

from stackspark.duplicates.removal_bands import RemovalRate
from stackspark.errors import InputError
from stackspark.report.summary import ConservationRow, RunSummary, from_json, to_json


@pytest.mark.parametrize("run", [summary(), failed_summary()], ids=["published", "failed"])
def test_json_round_trip_loses_nothing(run: RunSummary) -> None:
    assert from_json(to_json(run)) == run
    assert to_json(from_json(to_json(run))) == to_json(run)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the text"),  # empty
        ("{", "the text"),  # cut off
        ("[]", "the text"),  # another document
        ("{}", "run_id"),  # nothing in it
        (to_json(summary()).replace('"num_bands": 36', '"num_bands": "many"', 1), "run_id"),
    ],
)
def test_from_json_names_what_is_wrong(text: str, said: str) -> None:
    if "many" in text:
        document = json.loads(text)
        document["band_curve"]["num_bands"], said = "many", "band_curve.num_bands"
        text = json.dumps(document)
    with pytest.raises(InputError, match=said):
        from_json(text)


def _step(num_kept: int) -> ConservationRow:
    return ConservationRow(step="s", num_in=8, num_kept=num_kept, num_removed=3, num_quarantined=1)


@pytest.mark.parametrize(("num_kept", "num_missing"), [(4, 0), (3, 1), (5, -1)])
def test_conservation_counts_what_is_missing(num_kept: int, num_missing: int) -> None:
    row = _step(num_kept)
    assert (row.num_missing, row.is_ok) == (num_missing, num_missing == 0)


@pytest.mark.parametrize(("num_removed", "is_ok"), [(1, False), (2, True), (6, True), (7, False)])
def test_removal_band_takes_its_ends_in(num_removed: int, is_ok: bool) -> None:
    row = RemovalRate(
        step="s",
        kind="language",
        key="C",
        num_in=10,
        num_removed=num_removed,
        min_fraction=0.2,
        max_fraction=0.6,
    )
    assert row.is_ok is is_ok


def test_removal_band_of_no_input_is_zero() -> None:
    row = RemovalRate(
        step="s",
        kind="language",
        key="C",
        num_in=0,
        num_removed=0,
        min_fraction=0.0,
        max_fraction=0.6,
    )
    assert row.removed_fraction == 0.0
