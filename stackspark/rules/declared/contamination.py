"""Text that holds an item of a benchmark which models are tested with."""

from dataclasses import dataclass

from pyspark.sql import functions as F

from stackspark.rules.rule import Rule, Verdict


@dataclass(frozen=True, kw_only=True)
class ContaminationParams:
    """Matches with benchmarks.

    Attributes:
        ignored_benchmarks: benchmarks whose matches are recorded and yet do not reject.
    """

    ignored_benchmarks: tuple[str, ...] = ()


def _contamination(params: ContaminationParams) -> Verdict:
    """The value is the number of matches, the evidence the first items."""
    matches = F.filter(
        "benchmark_matches", lambda match: ~match["benchmark"].isin(*params.ignored_benchmarks)
    )
    items = F.transform(
        matches,
        lambda match: F.concat_ws("/", match["benchmark"], match["item_id"], match["field"]),
    )
    found = F.size(matches)
    return Verdict(fails=found > 0, value=found, limit=0, evidence=F.array_join(items, ", "))


CONTAMINATION = Rule(
    name="contamination",
    title="Benchmark text",
    description="Holds text of a benchmark that models are tested with.",
    quantity="benchmark items found",
    source='Lozhkov et al. 2024 (The Stack v2), section 4.5 "Decontamination"',
    section="contamination",
    verdicts={"blob": _contamination},
)
