"""The end of a run on the terminal: the funnel, the balance, and where things are."""

from stackspark.report.summary import RunSummary
from stackspark.runtime.formatting import number, size

SIGNS = {"listed": " ", "quarantined": "-", "removed": "-", "kept": "="}


def funnel_text(summary: RunSummary, report: str) -> str:
    """The funnel in text: files in, removed by each rule, kept, and where the results lie."""
    width = max(len(row.title) for row in summary.funnel)
    funnel = [
        f"{SIGNS[row.kind]} {row.title:<{width}} {number(row.num_files):>12} files "
        f"{size(row.size_bytes):>12}"
        for row in summary.funnel
    ]
    balance = [
        f"  {row.step:<18} {row.num_in:,} in = {row.num_kept:,} kept + "
        f"{row.num_removed:,} removed + {row.num_quarantined:,} quarantined"
        for row in summary.conservation
    ]
    made = [
        f"  {row.dataset:<10} {row.num_rows:,} rows, {size(row.size_bytes)} in {row.num_shards} "
        f"shards: {row.folder}"
        for row in summary.exports
    ]
    return "\n".join(
        [
            *funnel,
            "",
            "nothing is lost:",
            *balance,
            "",
            f"published run {summary.run_id}",
            *made,
            f"  report     {report}",
        ]
    )
