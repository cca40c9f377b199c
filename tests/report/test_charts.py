"""Charts: what they draw is counted in the SVG itself; hostile labels stay text."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackspark.report import charts
from stackspark.report.summary import BandCurve, Histogram, Limit

EDGES = (0.0, 1.0, 10.0, 100.0, 1000.0)


def drawn(svg: str, css: str) -> list[dict[str, str]]:
    """Attributes of the shapes of one class."""
    return [each.attrib for each in ET.fromstring(svg).iter() if each.get("class") == css]


def lengths(*counts: int, limits: tuple[Limit, ...] = (), unit: str = "characters") -> Histogram:
    return Histogram(metric="length", unit=unit, edges=EDGES, counts=counts, limits=limits)


def test_bar_draws_its_parts_beside_each_other() -> None:
    kept, removed = (
        drawn(charts.bar([("kept", 0.75), ("none", 0.0), ("out", 0.25)], "files"), css)
        for css in ("kept", "out")
    )
    assert [(part["x"], part["width"]) for part in (*kept, *removed)] == [("0", "75"), ("75", "25")]
    assert drawn(charts.bar([("none", 0.0)], "files"), "none") == []


def test_a_tiny_part_of_a_bar_can_be_seen_and_lies_within_it() -> None:
    (last,) = drawn(charts.bar([("kept", 1 - 1e-9), ("out", 1e-9)], "files"), "out")
    assert float(last["width"]) == charts.THINNEST
    assert float(last["x"]) + float(last["width"]) == 100


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=6))
def test_no_part_of_a_bar_leaves_it(fractions: list[float]) -> None:
    whole = sum(fractions) or 1.0
    parts = drawn(charts.bar([("part", each / whole) for each in fractions], "files"), "part")
    assert len(parts) == sum(each / whole > 0 for each in fractions)
    assert all(float(p["x"]) >= 0 and float(p["x"]) + float(p["width"]) <= 100.01 for p in parts)


def test_histogram_has_a_bar_for_each_bin_that_holds_something() -> None:
    svg = charts.histogram(lengths(3, 0, 6, 0))
    heights = [float(bar["height"]) for bar in drawn(svg, "in")]
    assert heights == [(charts.BOTTOM - charts.TOP) / 2, charts.BOTTOM - charts.TOP]
    assert "1 to under 10" not in svg
    assert "10 to under 100: 6" in svg


@pytest.mark.parametrize(
    ("removes", "num_out", "beyond"), [("above", 1, "4 on the"), ("below", 2, "5 on the")]
)
def test_bins_on_the_removed_side_of_a_limit_are_marked(
    removes: str, num_out: int, beyond: str
) -> None:
    limit = Limit(value=10.0 if removes == "below" else 100.0, removes=removes, label="limit 10")
    svg = charts.histogram(lengths(2, 3, 5, 4, limits=(limit,)))
    assert len(drawn(svg, "out")) == num_out
    assert len(drawn(svg, "in")) == 4 - num_out
    assert len(drawn(svg, "limit")) == len(drawn(svg, "limit-name")) == 1
    assert beyond in charts.histogram_words(lengths(2, 3, 5, 4, limits=(limit,)))


def test_empty_bins_at_the_end_are_left_out_but_not_before_a_limit() -> None:
    assert "1,000" not in charts.histogram(lengths(1, 1, 0, 0))
    limit = Limit(value=500.0, removes="above", label="limit 500")
    assert "1,000" in charts.histogram(lengths(1, 1, 0, 0, limits=(limit,)))


def test_a_histogram_of_nothing_is_drawn() -> None:
    svg = charts.histogram(lengths(0, 0, 0, 0))
    assert drawn(svg, "in") == drawn(svg, "out") == []
    assert "length: 0 contents" in svg


@pytest.mark.parametrize(
    ("unit", "place", "words"),
    [
        ("characters", 1, "1 to under 10"),
        ("characters", 3, "100 or more"),
        ("bytes", 2, "10 B to under 100 B"),
        ("share", 0, "0 % to under 100 %"),
    ],
)
def test_bin_words(unit: str, place: int, words: str) -> None:
    assert charts.bin_words(lengths(0, 0, 0, 0, unit=unit), place) == words


def test_labels_are_text_whatever_is_in_them() -> None:
    hostile = '</title><script>alert("1")</script>\x1b[31m'
    limit = Limit(value=10.0, removes="above", label=hostile)
    for svg in (charts.histogram(lengths(1, 1, 1, 1, limits=(limit,))), charts.bar([], hostile)):
        assert "<script" not in svg
        assert "\x1b" not in svg
        ET.fromstring(svg)


def test_curve_goes_through_its_points_and_names_the_threshold() -> None:
    found = ((0.5, 0.0), (0.7, 0.5), (0.9, 1.0))
    svg = charts.curve(BandCurve(num_bands=36, rows_per_band=7, threshold=0.7, found=found))
    (line,) = drawn(svg, "curve")
    points = [tuple(map(float, pair.split(","))) for pair in line["points"].split()]
    assert [y for _, y in points] == [charts.BOTTOM, (charts.BOTTOM + charts.TOP) / 2, charts.TOP]
    (limit,) = drawn(svg, "limit")
    assert float(limit["x1"]) == points[1][0]
    assert re.search(r"threshold 0\.7<", svg)
    assert "36 bands of 7 rows" in svg
