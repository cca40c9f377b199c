"""Reject text that holds an item of a benchmark which models are tested with.

Source: Lozhkov et al. 2024 (The Stack v2), section 4.5 "Decontamination".
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.ledger.verdicts import Rule, add_verdicts


@dataclass(frozen=True, kw_only=True)
class FilterContaminatedParams:
    """Benchmarks whose matches are recorded and yet do not reject."""

    ignored_benchmarks: tuple[str, ...] = ()


def filter_contaminated(
    blobs: DataFrame, params: FilterContaminatedParams = FilterContaminatedParams()
) -> DataFrame:
    """Add the verdict of rule `contamination`.

    Args:
        blobs: one row per blob with `benchmark_matches`.
        params: benchmarks to be left alone.
    Returns:
        The same rows with `verdicts`; value is the number of matches, evidence the first items.
    """
    matches = F.filter(
        "benchmark_matches", lambda match: ~match["benchmark"].isin(*params.ignored_benchmarks)
    )
    items = F.transform(
        matches,
        lambda match: F.concat_ws("/", match["benchmark"], match["item_id"], match["field"]),
    )
    num_matches = F.size(matches)
    rule = Rule(
        name="contamination",
        fails=num_matches > 0,
        value=num_matches,
        limit=0,
        evidence=F.array_join(items, ", "),
    )
    return add_verdicts(blobs, "filter_contaminated", [rule])
