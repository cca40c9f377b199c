"""A run as OpenMetrics text: the grammar of its lines, and the numbers in it."""

import dataclasses
import re

from sample_summary import failed_summary, summary

from stackspark.report.metrics import render_metrics

LABEL = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"(stackspark_[a-z_]+)(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")


def test_metrics_keep_the_grammar_and_name_each_family_once() -> None:
    text = render_metrics(summary())
    *lines, last = text.removesuffix("\n").split("\n")
    assert last == "# EOF"
    family, families = "", []
    for line in lines:
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            families.append(family)
            assert kind == "gauge"
        elif line.startswith("# UNIT "):
            assert family.endswith("_" + line.split(" ")[3])
        elif not line.startswith("# HELP "):
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            assert sample[1] == family
            float(sample[3])
    assert len(families) == len(set(families)) > 10


def test_metrics_hold_what_the_report_shows() -> None:
    run = summary()
    text = render_metrics(run)
    (kept,) = (row for row in run.funnel if row.kind == "kept")
    assert f'stackspark_files{{status="kept",cause="{kept.cause}"}} {kept.num_files}\n' in text
    assert "stackspark_run_published 1\n" in text
    assert 'stackspark_canaries_caught{rule="near_duplicate"} 20\n' in text
    failed = render_metrics(failed_summary())
    assert "stackspark_run_published 0\n" in failed


def test_metrics_escape_what_a_label_may_not_hold() -> None:
    run = dataclasses.replace(summary(), recipe='a"b\\c\nd')
    assert r'recipe="a\"b\\c\nd"' in render_metrics(run)
