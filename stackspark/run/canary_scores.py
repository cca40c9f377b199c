"""Scores of canaries: how many each rule caught, and what it should have left alone."""

from collections.abc import Iterable, Mapping, Sequence

from stackspark.contracts.gate import TableRule
from stackspark.rules.catalog import RULE_ORDER, rule_order
from stackspark.sources.canaries import Canary, CanaryRow

RULE = "canaries_are_caught"
NOT_LISTED = "not listed"
Groups = Mapping[tuple[str | None, str], Sequence[str | None]]


def score_canaries(planted: Sequence[Canary], causes: Mapping[str, str | None]) -> list[CanaryRow]:
    """Count per rule what was planted for it, what it caught, and what it should have left alone.

    What an earlier rule removes never comes to the rule that it was planted for, and counts there
    as a false alarm.

    Args:
        planted: the canaries of the run.
        causes: why each of their paths was removed; None if it was not.

    Returns:
        One row per rule that something was planted for, or that removed what should stay.
    """
    groups: dict[tuple[str | None, str], list[str | None]] = {}
    for canary in planted:
        name = canary.pair or canary.path
        groups.setdefault((canary.rule, name), []).append(causes.get(canary.path, NOT_LISTED))
    rows = [_score(rule, groups) for rule in sorted(RULE_ORDER)]
    return [row for row in rows if row.num_planted or row.num_false_alarms]


def canaries_rule(rows: Iterable[CanaryRow]) -> TableRule:
    """The rule of the contract that every canary is caught."""
    missed = [row for row in rows if row.num_caught < row.num_planted]
    if not missed:
        return TableRule(RULE, True, "every rule caught its canaries")
    lines = [f"{row.rule} caught {row.num_caught} of {row.num_planted} canaries" for row in missed]
    detail = f"{lines[0]}; a rule that misses these misses files too; canaries: false leaves it out"
    return TableRule(RULE, False, detail, tuple(lines))


def _score(rule: str, groups: Groups) -> CanaryRow:
    mine = [list(causes) for (wanted, _), causes in groups.items() if wanted == rule]
    others = [list(causes) for (wanted, _), causes in groups.items() if wanted != rule]
    # One of two twins goes; a file of no pair goes itself.
    surplus = sum(max(0, causes.count(rule) - 1) for causes in mine)
    came = [causes for causes in mine if not any(_is_before(rule, cause) for cause in causes)]
    return CanaryRow(
        rule=rule,
        num_planted=len(came),
        num_caught=sum(causes.count(rule) == 1 for causes in came),
        num_false_alarms=surplus + sum(causes.count(rule) for causes in others),
    )


def _is_before(rule: str, cause: str | None) -> bool:
    return cause in RULE_ORDER[: rule_order(rule)]
