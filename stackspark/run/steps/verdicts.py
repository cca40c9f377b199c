"""Apply every rule that looks at one file, one blob, or a blob under a name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stackspark.rules.catalog import FiltersParams, ordered
from stackspark.rules.judge import rule_verdicts
from stackspark.run.listed import Listed
from stackspark.run.step import Notes, RunContext, Step, Write


@dataclass(frozen=True, kw_only=True)
class VerdictsParams:
    """Parameters of the rules.

    Attributes:
        filters: parameters of each family of rules.
        max_text_bytes: the length from which contents were called too large.
        opted_out: the request by the URL of each origin that was not even listed.
    """

    filters: FiltersParams
    max_text_bytes: int
    opted_out: Mapping[str, str]


def verdicts_step(context: RunContext, listed: Listed, params: VerdictsParams) -> Step:
    """The step `verdicts`: rows of `ledger` of every rule but those on duplicates."""

    def produce(_: Notes) -> Iterator[Write]:
        verdicts = (
            rule_verdicts(context.tables(), params.filters, params.max_text_bytes)
            .unionByName(listed.opt_outs())
            .unionByName(listed.refused(params.opted_out))
        )
        yield Write(table="ledger", rows=ordered(verdicts))

    key = {"filters": params.filters, "opted_out_origins": params.opted_out}
    return Step(name="verdicts", module=__name__, after="licenses", params=key, produce=produce)
