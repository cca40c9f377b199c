"""A rule: one reason for a file not to be in the dataset, declared once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Column

SOURCE_FILE = "file"
"""The kind of text that a file of a repository's tree is."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Words for what became of a file.

    Attributes:
        title: a few words, as a row of the report has them.
        description: one sentence.
        quantity: name of the measured value, of a rule that has one.
        unit: what the value counts.
    """

    title: str
    description: str
    quantity: str = ""
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A rule on one grain, as expressions over that grain's rows.

    Attributes:
        fails: true where the row is rejected; null spares it, as nothing was measured.
        value: the measured value; None for rules that do not measure.
        limit: the limit that `value` is on the wrong side of.
        evidence: proof of the verdict, such as the marker that was found.
    """

    fails: Column
    value: Column | None = None
    limit: Column | float | None = None
    evidence: Column | None = None


@dataclass(frozen=True, kw_only=True)
class Rule(Cause):
    """One rule; `catalog.RULES` lists all of them in their order.

    Attributes:
        name: as `ledger`, recipes and reports write it.
        source: where the paper, or another authority, states the rule.
        verdicts: the verdict by grain, made from the parameters of `section`. Empty where another
            capability decides and writes its own rows of `ledger`.
        section: key of the recipe's `filters` that holds the parameters; None if there are none.
        kinds: kinds of text that the rule applies to.
        step: the step that decides.
        grains: grains of a rule that another capability decides.
    """

    name: str
    source: str
    verdicts: Mapping[str, Callable[[Any], Verdict]] = field(default_factory=dict)
    section: str | None = None
    kinds: tuple[str, ...] = (SOURCE_FILE,)
    step: str = "verdicts"
    grains: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "grains", self.grains or tuple(self.verdicts))
