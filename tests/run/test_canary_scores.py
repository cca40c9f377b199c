from stackspark.run.canary_scores import canaries_rule, score_canaries
from stackspark.sources.canaries import Canary, CanaryRow

PLANTED = [
    Canary("/n1_a", b"", "near_duplicate", "n1"), Canary("/n1_b", b"", "near_duplicate", "n1"),
    Canary("/n2_a", b"", "near_duplicate", "n2"), Canary("/n2_b", b"", "near_duplicate", "n2"),
    Canary("/gpl", b"", "license"), Canary("/kept", b"", None), Canary("/far", b"", None),
]  # fmt: skip
CAUGHT: dict[str, str | None] = dict.fromkeys((canary.path for canary in PLANTED), None)
CAUGHT |= {"/n1_b": "near_duplicate", "/n2_a": "near_duplicate", "/gpl": "license"}


def _row(rule: str, planted: int, caught: int, alarms: int) -> CanaryRow:
    return CanaryRow(
        rule=rule, num_planted=planted, num_caught=caught, num_false_alarms=alarms
    )  # fmt: skip


def test_canaries_that_are_all_caught() -> None:
    rows = score_canaries(PLANTED, CAUGHT)
    assert rows == [_row("license", 1, 1, 0), _row("near_duplicate", 2, 2, 0)]
    assert canaries_rule(rows).ok


def test_a_missed_twin_a_lost_pair_and_a_false_alarm() -> None:
    causes = CAUGHT | {"/n1_b": None, "/n2_b": "near_duplicate", "/far": "near_duplicate"}
    rows = score_canaries(PLANTED, causes)
    assert rows[1] == _row("near_duplicate", 2, 0, 2)
    rule = canaries_rule(rows)
    assert not rule.ok
    assert "near_duplicate caught 0 of 2 canaries" in rule.detail


def test_canaries_that_were_never_listed_are_missed() -> None:
    rows = score_canaries(PLANTED, {})
    assert {row.rule: row.num_caught for row in rows} == {"license": 0, "near_duplicate": 0}
    assert not canaries_rule(rows).ok


def test_a_rule_that_removes_what_should_stay_is_named() -> None:
    rows = score_canaries(PLANTED, CAUGHT | {"/kept": "alpha_fraction"})
    assert rows[0] == _row("alpha_fraction", 0, 0, 1)
    assert canaries_rule(rows).ok


def test_what_an_earlier_rule_removes_is_no_miss_of_a_later_one() -> None:
    """Nor does one twin tell anything when the other never came to the comparison."""
    causes = CAUGHT | {"/gpl": "opt_out", "/n1_a": "num_lines", "/n1_b": None}
    rows = score_canaries(PLANTED, causes)
    assert rows == [
        _row("near_duplicate", 1, 1, 0), _row("num_lines", 0, 0, 1), _row("opt_out", 0, 0, 1),
    ]  # fmt: skip
    assert canaries_rule(rows).ok


def test_what_a_later_rule_removes_was_missed() -> None:
    rows = score_canaries(PLANTED, CAUGHT | {"/gpl": "num_lines"})
    assert rows[0] == _row("license", 1, 0, 0)
    assert not canaries_rule(rows).ok
