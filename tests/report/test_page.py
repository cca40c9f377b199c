"""The page of a run: inert, whole, the same bytes for the same run."""

import dataclasses
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from sample_summary import BIDI, HOSTILE, failed_summary, summary

from stackspark.report.page import render_page
from stackspark.report.summary import Failure, RunSummary, from_json, to_json

RUNS = {
    "published": summary(),
    "failed": failed_summary(),
    "bare": RunSummary(
        run_id="r", recipe="demo", lake="lake", code_version="0",
        started_at=summary().started_at, finished_at=summary().finished_at,
        failure=Failure(step="list_files", message="disk full"),
    ),
}  # fmt: skip


@pytest.fixture(params=RUNS, ids=list(RUNS))
def page(request: pytest.FixtureRequest) -> str:
    return render_page(RUNS[request.param])


def _tree(page: str) -> ET.Element:
    assert page.startswith("<!DOCTYPE html>\n")
    return ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def test_page_is_well_formed_with_one_main_heading(page: str) -> None:
    tree = _tree(page)
    assert len(tree.findall(".//h1")) == 1
    ids = [element.attrib["id"] for element in tree.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))


def test_page_contents_lead_to_every_section(page: str) -> None:
    tree = _tree(page)
    sections = {section.attrib["id"] for section in tree.iter("section")}
    linked = [link.attrib["href"].removeprefix("#") for link in tree.findall(".//nav//a")]
    assert set(linked) == sections
    assert len(linked) == len(sections)


def test_page_fetches_nothing_and_runs_nothing(page: str) -> None:
    tree = _tree(page)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base"} & {
        e.tag for e in tree.iter()
    }
    for element in tree.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            if name in ("href", "src", "srcset", "action", "{http://www.w3.org/1999/xlink}href"):
                assert value.startswith("#")
    assert not re.search(r"url\(|@import", page)
    policy = tree.find(".//meta[@http-equiv='Content-Security-Policy']")
    assert policy is not None
    assert policy.attrib["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_page_shows_hostile_names_inert_and_visible() -> None:
    page = render_page(summary())
    assert HOSTILE not in page
    assert "acme/" + HOSTILE in "".join(_tree(page).itertext())
    assert BIDI not in page
    assert "invoice\\u{202e}txt.exe" in page
    assert "\x1b" not in page
    assert "hash differs \\x1b[31m" in page


def test_page_escapes_every_text_of_a_summary() -> None:
    """Whatever field a hostile text comes in by, it stays text."""
    poison = '"><script>alert(1)</script>\u202e\x00'
    document = to_json(failed_summary())
    strings = re.compile(r'(: |^\s+)"(?!20\d\d-)([^"\\]*)"(?=,?$)', re.MULTILINE)
    kinds = ("listed", "removed", "quarantined", "kept", "near", "exact", "above", "below", "share")

    def poisoned(match: re.Match[str]) -> str:
        text = (
            match[2]
            if match[2] in kinds
            else match[2] + '\\"><script>alert(1)</script>\\u202e\\u0000'
        )
        return f'{match[1]}"{text}"'

    page = render_page(from_json(strings.sub(poisoned, document)))
    tree = _tree(page)
    assert not list(tree.iter("script"))
    assert poison[-2] not in page
    assert "".join(tree.itertext()).count("<script>alert(1)</script>") > 100


def test_page_says_whether_candidates_were_verified() -> None:
    verified, joined = (
        render_page(replace(summary(), is_verified=is_verified)) for is_verified in (True, False)
    )
    assert "Candidates are verified before anything is removed" in verified
    assert "candidates were not verified" in joined
    assert "Candidates are verified" not in joined


def test_page_is_the_same_for_the_same_run() -> None:
    assert render_page(summary()) == render_page(from_json(to_json(summary())))


def test_page_of_a_failed_run_says_first_that_nothing_was_published() -> None:
    sections = list(_tree(render_page(failed_summary())).iter("section"))
    text = " ".join("".join(sections[0].itertext()).split())
    assert sections[0].attrib["id"] == "failure"
    assert "Nothing was published" in text
    assert "rule similarity_valid broken by 2 of 101,122 rows" in text
    assert "similarity=1.25" in text
    assert "3 missing" in text


def test_page_of_a_published_run_names_no_failure() -> None:
    page = render_page(summary())
    assert 'id="failure"' not in page
    assert "✗" not in page


def test_page_says_what_went_in_and_what_is_kept() -> None:
    sections = {s.attrib["id"]: s for s in _tree(render_page(summary())).iter("section")}
    text = " ".join("".join(sections["funnel"].itertext()).split())
    assert "Of 1,431,288 files listed, 565,966 (39.5 %) are kept." in text
    assert "Near-duplicate Verified to be similar to a file that stays. −96,310" in text


def test_page_says_what_contents_from_stores_took() -> None:
    sections = {s.attrib["id"]: s for s in _tree(render_page(summary())).iter("section")}
    cells = ["".join(cell.itertext()) for cell in sections["fetched"].iter("td")]
    assert cells == ["803,111", "41", "811,530", "8,419", "24.1 GB", "71.4 GB", "0.32 USD"]
    assert 'id="fetched"' not in render_page(replace(summary(), fetched=None))


def test_page_gives_a_command_that_can_be_pasted() -> None:
    text = "".join(_tree(render_page(summary())).itertext())
    assert f"""stackspark explain {"2c" * 20} --lake '/data/lakes/team'"'"'s lake'""" in text


def test_page_describes_every_chart_in_words(page: str) -> None:
    for svg in _tree(page).iter("svg"):
        assert svg.attrib["role"] == "img"
        assert svg.attrib["aria-label"]


def test_page_marks_a_missed_canary() -> None:
    run = summary()
    missed = dataclasses.replace(run.canaries[0], num_caught=19)
    page = render_page(dataclasses.replace(run, canaries=(missed,)))
    assert "✗ missed" in page
