"""Canaries of a run: which files ride along, and what its rules made of them."""

from collections.abc import Iterable, Mapping, Sequence

from stackspark.contracts.gate import TableRule
from stackspark.governance.opt_outs import OptOutRequest
from stackspark.kernels.opt_out_keys import glob_regex, location_key
from stackspark.report.summary import CanaryRow
from stackspark.sources.canaries import OPT_OUT_PATH, REPO_NAME, Canary

RULE = "canaries_are_caught"


def canary_request() -> OptOutRequest:
    """The opt-out that one of the canaries is under."""
    return OptOutRequest(
        request_id="canary",
        kind="path",
        value=OPT_OUT_PATH,
        repository=location_key(REPO_NAME),
        pattern=glob_regex(OPT_OUT_PATH),
    )


def score_canaries(planted: Sequence[Canary], causes: Mapping[str, str | None]) -> list[CanaryRow]:
    """Count per rule what was planted for it, what it caught, and what it should have left alone.

    Args:
        planted: the canaries of the run.
        causes: why each of their paths was removed; None if it was not.

    Returns:
        One row per rule that something was planted for, or that removed what should stay.
    """
    groups: dict[tuple[str | None, str], list[str | None]] = {}
    for canary in planted:
        name = canary.pair or canary.path
        groups.setdefault((canary.rule, name), []).append(causes.get(canary.path, "not listed"))
    rules = {rule for rule, _ in groups if rule} | _unwanted(groups)
    return [_score(rule, groups) for rule in sorted(rules)]


def canaries_rule(rows: Iterable[CanaryRow]) -> TableRule:
    """The rule of the contract that every canary is caught."""
    missed = [row for row in rows if row.num_caught < row.num_planted]
    if not missed:
        return TableRule(RULE, True, "every rule caught its canaries")
    lines = [f"{row.rule} caught {row.num_caught} of {row.num_planted} canaries" for row in missed]
    detail = f"{lines[0]}; a rule that misses these misses files too; canaries: false leaves it out"
    return TableRule(RULE, False, detail, tuple(lines))


Groups = Mapping[tuple[str | None, str], Sequence[str | None]]


def _unwanted(groups: Groups) -> set[str]:
    return {
        cause for (rule, _), causes in groups.items() for cause in causes if cause and rule is None
    }


def _score(rule: str, groups: Groups) -> CanaryRow:
    mine = [causes for (wanted, _), causes in groups.items() if wanted == rule]
    others = [causes for (wanted, _), causes in groups.items() if wanted is None]
    # One of two twins goes; a file of no pair goes itself.
    num_caught = sum(list(causes).count(rule) == 1 for causes in mine)
    surplus = sum(max(0, list(causes).count(rule) - 1) for causes in mine)
    return CanaryRow(
        rule=rule,
        num_planted=len(mine),
        num_caught=num_caught,
        num_false_alarms=surplus + sum(list(causes).count(rule) for causes in others),
    )
