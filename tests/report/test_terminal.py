"""The end of a run on the terminal."""

from dataclasses import replace

import sample_summary

from stackspark.report.terminal import funnel_text

SUMMARY = sample_summary.summary()


def test_funnel_text_ends_with_what_most_people_do_next() -> None:
    summary = replace(SUMMARY, removed_example="ada/one:/it's here.py", lake="my lake")
    lines = funnel_text(summary, "report.html").splitlines()
    assert lines[-2] == (
        "why a file is out:  stackspark explain 'ada/one:/it'\"'\"'s here.py' --lake 'my lake'"
    )
    files = next(row.folder for row in summary.exports if row.dataset == "files")
    assert lines[-1] == (
        f'load the shards:    datasets.load_dataset("my lake/{files}", split="train")'
    )


def test_a_name_that_hides_something_is_not_offered() -> None:
    hostile = replace(SUMMARY, removed_example="ada/one:/\x1b[31mred.py")
    assert "explain" not in funnel_text(hostile, "report.html")
    assert "explain" not in funnel_text(replace(SUMMARY, removed_example=None), "report.html")


def test_funnel_text_has_every_row_of_the_funnel_and_the_balance() -> None:
    text = funnel_text(SUMMARY, "report.html")
    for row in SUMMARY.funnel:
        assert row.title in text
    for step in SUMMARY.conservation:
        assert f"{step.num_in:,} in = {step.num_kept:,} kept" in text
