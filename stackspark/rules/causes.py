"""Words for people: why a file is not in the dataset, and what else became of it."""

from collections.abc import Mapping

from stackspark.rules.catalog import RULE_ORDER, RULES
from stackspark.rules.rule import Cause
from stackspark.runtime.formatting import limit_words

UNVERIFIED = "Joined to a file that stays by a chain of shared bands; nothing was verified."
"""Description of near-duplicates by the rule `components`."""

FATES = {
    "listed": Cause(
        title="Files listed",
        description="Everything below the selected root directories of the sources.",
    ),
    "kept": Cause(title="Kept", description="What the dataset is made of."),
    "quarantined": Cause(
        title="Quarantined",
        description="The file could not be read; its error is recorded.",
    ),
}
"""Fates of files, apart from removal by a cause."""


def cause_words(name: str) -> Cause:
    """Words for a cause or a fate; an unknown one speaks for itself."""
    named: Mapping[str, Cause] = {rule.name: rule for rule in RULES} | FATES
    return named.get(name, Cause(title=name.replace("_", " "), description=""))


def cause_place(name: str) -> tuple[int, str]:
    """Sort key of a cause: the fixed order of rules, then unknown causes by name."""
    return (RULE_ORDER.index(name) if name in RULE_ORDER else len(RULE_ORDER), name)


def verdict_words(rule: str, value: float | None, limit: float | None) -> str:
    """A rule's finding in words: ``longest line 5,312 characters, over the limit of 1,000``."""
    cause = cause_words(rule)
    if value is None:
        return cause.description or cause.title
    return f"{cause.quantity or cause.title} {limit_words(value, limit, cause.unit)}"


def evidence_words(established_by: str) -> str:
    """How the similarity of two files is known, for a person."""
    if established_by == "component":
        return "estimated; joined by shared bands, not verified"
    return established_by.replace("_", " ")
