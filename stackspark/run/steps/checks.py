"""Stop where tables contradict each other, canaries are missed, or the search removed too much."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stackspark.contracts.gate import TableRule
from stackspark.duplicates.count_removals import (
    KINDS,
    CountRemovalsParams,
    count_removals,
    select_removed,
)
from stackspark.duplicates.families import FamilyRow, families, largest_families
from stackspark.duplicates.removal_bands import (
    TOP_FAMILIES,
    RemovalBandsParams,
    RemovalRate,
    band_notes,
    bands_rule,
    removal_rates,
    shown_breaches,
)
from stackspark.run.canary_scores import canaries_rule, score_canaries
from stackspark.run.count_breaches import CountBreachesParams, count_breaches
from stackspark.run.fates import Fates
from stackspark.run.step import Check, Notes, RunContext, Step
from stackspark.runtime.formatting import visible
from stackspark.sources.canaries import Canary


@dataclass(frozen=True, kw_only=True)
class ChecksParams:
    """Limits that the verdicts are held to.

    Attributes:
        removal_bands: how much near-duplicates may remove of a language or source.
        breaches: what a kept file may have.
        canaries: the synthetic files that ride along, with their fates.
    """

    removal_bands: RemovalBandsParams
    breaches: CountBreachesParams
    canaries: tuple[Canary, ...]


def checks_step(context: RunContext, fates: Fates, params: ChecksParams) -> Step:
    """The step `checks`; other bands change no output, so no step comes after it."""
    produce = _Checks(context, fates, params).produce
    key = {"near_duplicates": {"removal_bands": params.removal_bands}}
    return Step(
        name="checks", module=__name__, after="near_duplicates", params=key, produce=produce
    )


class _Checks:
    def __init__(self, context: RunContext, fates: Fates, params: ChecksParams) -> None:
        self.context, self.fates, self.params = context, fates, params

    def produce(self, notes: Notes) -> Iterator[Check]:
        yield Check(table="ledger", rules=[*self._across_tables(), *self._canaries(notes)])
        bands = self.params.removal_bands
        limit = CountRemovalsParams(min_files=bands.min_files)
        counted = count_removals(self.fates.of_files(), self.context.table("origins"), limit)
        rates = removal_rates(counted.collect(), bands)
        notes["removal_bands"] = band_notes(rates)
        rule = bands_rule(rates, self._families_of(shown_breaches(rates)))
        yield Check(table="near_duplicates", rules=[rule])

    def _across_tables(self) -> list[TableRule]:
        """The rules that no single table can break."""
        tables = self.context.tables()
        found = count_breaches(self.fates.of_all(), tables, self.params.breaches).collect()
        return [
            TableRule(
                row["rule"], row["num_bad"] == 0, _breach_words(row["num_bad"], row["example"])
            )
            for row in found
        ]

    def _canaries(self, notes: Notes) -> Iterator[TableRule]:
        """The rule that every canary was caught, if any rode along."""
        if self.params.canaries:
            mine = self.fates.of_canaries().select("path", "cause").collect()
            causes = {row["path"]: row["cause"] for row in mine}
            rows = score_canaries(self.params.canaries, causes)
            notes["canaries"] = [vars(row) for row in rows]
            notes["canary_files"] = len(causes)
            yield canaries_rule(rows)

    def _families_of(self, breaches: Sequence[RemovalRate]) -> tuple[FamilyRow, ...]:
        """The largest families among what went of the languages and sources of a few rates."""
        if not breaches:
            return ()
        verdicts, origins = self.fates.of_files(), self.context.table("origins")
        keys = {kind: [rate.key for rate in breaches if rate.kind == kind] for kind in KINDS}
        removed = select_removed(verdicts, origins, keys["language"], keys["source"])
        twins = self.context.table("near_duplicates").join(removed, "blob_id", how="left_semi")
        return families("near", largest_families(twins, verdicts, origins, TOP_FAMILIES).collect())


def _breach_words(num_bad: int, example: str | None) -> str:
    return f"{num_bad:,} break it, such as {visible(example)}" if example else "none breaks it"
