"""The end of a run on the terminal: the funnel, the balance, and where things are."""

import json
import shlex

from stackspark.report.summary import RunSummary
from stackspark.runtime.formatting import number, size, visible

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
            "",
            *_next_steps(summary),
        ]
    )


def _next_steps(summary: RunSummary) -> list[str]:
    """Commands that most people give next: why a file is out, and how shards are loaded."""
    steps = []
    if summary.removed_example is not None and visible(summary.removed_example) == (
        summary.removed_example
    ):
        file, lake = shlex.quote(summary.removed_example), shlex.quote(summary.lake)
        steps.append(f"why a file is out:  stackspark explain {file} --lake {lake}")
    folders = {row.dataset: f"{summary.lake}/{row.folder}" for row in summary.exports}
    if folders:
        folder = folders.get("files") or next(iter(folders.values()))
        load = f'datasets.load_dataset({json.dumps(folder)}, split="train")'
        steps.append(f"load the shards:    {load}")
    return steps
