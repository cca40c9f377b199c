"""Bands and the rates that are held against them: their ends, their words, hostile names."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyspark.sql import Row

from stackspark.duplicates.families import FamilyRow, NamedFile
from stackspark.duplicates.removal_bands import (
    RemovalBandsParams,
    RemovalRate,
    bands_rule,
    removal_rates,
    shown_breaches,
)
from stackspark.errors import InvalidParamsError

BANDS = RemovalBandsParams(
    min_files=10,
    default=(0.1, 0.7),
    languages={"JSON": (0.0, 0.9)},
    sources={"git:/b": (0.3, 0.3)},
)


def _row(kind: str, key: str, num_in: int, num_removed: int) -> Row:
    return Row(kind=kind, key=key, num_in=num_in, num_removed=num_removed)


def _family(repo_name: str, path: str, num_members: int) -> FamilyRow:
    kept = NamedFile(blob_id="1b" * 20, repo_name=repo_name, path=path, language="JSON")
    return FamilyRow(kind="near", kept=kept, num_members=num_members, examples=())


@pytest.mark.parametrize(
    ("row", "is_ok"),
    [
        (_row("language", "C", 10, 7), True),  # at the upper end
        (_row("language", "C", 10_000, 7_001), False),
        (_row("language", "C", 10, 1), True),  # at the lower end
        (_row("language", "C", 10_000, 999), False),
        (_row("language", "JSON", 10, 9), True),  # a band of its own
        (_row("language", "JSON", 10, 0), True),
        (_row("language", "JSON", 100, 91), False),
        (_row("source", "JSON", 10, 9), False),  # a source of that name
        (_row("source", "git:/b", 10, 3), True),
        (_row("source", "git:/b", 10, 4), False),
        (_row("language", "", 10, 8), False),  # unknown languages are judged too
    ],
)
def test_a_rate_is_held_against_its_band(row: Row, is_ok: bool) -> None:
    (rate,) = removal_rates([row], BANDS)
    assert (rate.kind, rate.key, rate.is_ok) == (row["kind"], row["key"], is_ok)
    assert bands_rule([rate], []).ok is is_ok


@example(num_in=3_300_000_000, num_removed=2_310_000_001, thousandths=700)
@example(num_in=3_300_000_000, num_removed=2_310_000_000, thousandths=700)
@given(
    num_in=st.integers(1, 4_000_000_000),
    num_removed=st.integers(0, 4_000_000_000),
    thousandths=st.integers(0, 1000),
)
def test_the_ends_are_exact(num_in: int, num_removed: int, thousandths: int) -> None:
    num_removed = min(num_in, num_removed)
    end, exact = thousandths / 1000, Fraction(thousandths, 1000)
    rate = RemovalRate(
        step="s",
        kind="language",
        key="C",
        num_in=num_in,
        num_removed=num_removed,
        min_fraction=0.0,
        max_fraction=end,
    )
    found = Fraction(num_removed, num_in)
    assert rate.is_ok is (found <= exact)
    assert replace(rate, min_fraction=end, max_fraction=1.0).is_ok is (found >= exact)


def test_rates_come_by_kind_and_number_of_files() -> None:
    rows = [
        _row("source", "dir:/a", 90, 9),
        _row("language", "C", 20, 2),
        _row("language", "B", 20, 2),
        _row("language", "Go", 70, 7),
    ]
    assert [rate.key for rate in removal_rates(rows, BANDS)] == ["Go", "B", "C", "dir:/a"]


def test_the_rule_names_the_rate_its_limit_and_the_families() -> None:
    rows = [
        _row("language", "Go", 10_000, 9_024),
        _row("language", "Python", 90_000, 9_000),
        _row("source", "git:/c", 1_000, 99),
    ]
    families = [_family("acme/one", f"/{number}.json", 9 - number) for number in range(7)]
    rule = bands_rule(removal_rates(rows, BANDS), families)
    assert (rule.name, rule.ok) == ("removal_rates_in_bands", False)
    assert rule.detail == (
        "2 of 3 removal rates lie outside their bands, such as that of language Go: "
        "near-duplicates removed 9,024 of 10,000 files, 0.9024, over the limit of 0.7; "
        "if that is right, widen near_duplicates.removal_bands"
    )
    assert rule.lines == (
        "language Go: near-duplicates removed 9,024 of 10,000 files, 0.9024, over the limit of 0.7",
        "source git:/c: near-duplicates removed 99 of 1,000 files, 0.099, under the limit of 0.1",
        "9 are similar to acme/one:/0.json (JSON)",
        "8 are similar to acme/one:/1.json (JSON)",
        "7 are similar to acme/one:/2.json (JSON)",
        "6 are similar to acme/one:/3.json (JSON)",
        "5 are similar to acme/one:/4.json (JSON)",
    )


def test_the_rule_shows_few_of_many_rates() -> None:
    rates = removal_rates([_row("source", f"dir:/{n}", 100 - n, 0) for n in range(40)], BANDS)
    assert [rate.key for rate in shown_breaches(rates)] == [f"dir:/{n}" for n in range(5)]
    lines = bands_rule(rates, []).lines
    assert len(lines) == 6
    assert lines[-1] == "and 35 more"


def test_the_rule_tells_a_rate_and_a_near_limit_apart() -> None:
    rule = bands_rule(removal_rates([_row("language", "C", 100_000, 70_001)], BANDS), [])
    assert "0.70001, over the limit of 0.7;" in rule.detail


def test_hostile_names_are_shown_escaped() -> None:
    rates = removal_rates([_row("source", "dir:/\x1b[2Ja\n", 10, 10)], BANDS)
    rule = bands_rule(rates, [_family("acme/\u202efdp", "/a\r\nstackspark: done", 3)])
    text = "".join((rule.detail, *rule.lines))
    assert text.isprintable()
    assert "dir:/\\x1b[2Ja\\x0a" in text
    assert "acme/\\u{202e}fdp:/a\\x0d\\x0astackspark: done (JSON)" in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"min_files": 0}, r"removal_bands\.min_files must be at least 1, found 0"),
        ({"default": (0.7, 0.2)}, r"removal_bands\.default: needed two shares .* found 0\.7, 0\.2"),
        ({"languages": {"C": (0.0, 1.1)}}, r"removal_bands\.languages\.C: needed two shares"),
        ({"sources": {"dir:/a": (-0.1, 1.0)}}, r"removal_bands\.sources\.dir:/a: needed two"),
        ({"languages": {"json": (0.0, 1.0)}}, r"no language 'json'; did you mean JSON\?"),
        ({"languages": {"Klingon": (0.0, 1.0)}}, r"no language 'Klingon'"),
    ],
)  # fmt: skip
def test_wrong_bands_are_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidParamsError, match=said):
        RemovalBandsParams(**values)  # type: ignore[arg-type]


def test_a_band_of_no_source_is_refused() -> None:
    BANDS.check_sources(["dir:/a", "git:/b"])
    with pytest.raises(InvalidParamsError, match=r"no source 'git:/b'; did you mean git:/b@v1"):
        BANDS.check_sources(["dir:/a", "git:/b@v1"])
    with pytest.raises(InvalidParamsError, match=r"there is no source 'git:/b'$"):
        BANDS.check_sources([])
