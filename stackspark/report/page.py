"""The report of a run: one HTML file that fetches nothing and runs no script.

Names come from strangers' repositories: every value is escaped, and control and bidirectional
characters are shown as escapes, by the template engine itself, so that no field can be forgotten.
"""

import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from stackspark.duplicates.families import FamilyRow
from stackspark.report import charts
from stackspark.report.summary import FunnelRow, RunSummary
from stackspark.rules.causes import cause_words
from stackspark.runtime import formatting

MAX_MESSAGE_CHARS = 4000

TITLES = {
    "length_bytes": "File length",
    "num_lines": "Number of lines",
    "avg_line_length": "Mean line length",
    "max_line_length": "Longest line",
    "alpha_fraction": "Share of letters",
    "encoded_fraction": "Share of encoded data",
}


def render_page(summary: RunSummary) -> str:
    """Render the page of a run; equal summaries give equal bytes."""
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            run=summary,
            totals=_totals(summary),
            steps=list(_steps(summary.funnel)),
            params=list(_flat(summary.params)),
            num_problems=_num_problems(summary),
            explain=lambda family: _explain_command(summary, family),
        )
    )
    return page + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("stackspark.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": formatting.number,
        "size": formatting.size,
        "duration": formatting.duration,
        "message": _message,
        "when": lambda moment: f"{moment:%Y-%m-%d %H:%M:%S} UTC",
    }
    environment.globals |= {
        "share": formatting.share,
        "charts": charts,
        "cause_words": cause_words,
        "titles": TITLES,
    }
    return environment


def _finalize(value: Any) -> Any:
    """Make visible what hides, in every value that the template prints."""
    return (
        formatting.visible(value)
        if isinstance(value, str) and not isinstance(value, Markup)
        else value
    )


def _message(text: str) -> Markup:
    """A message for people: longer than a name may be."""
    return escape(formatting.visible(text, MAX_MESSAGE_CHARS))


def _totals(summary: RunSummary) -> dict[str, dict[str, int]]:
    """Files and bytes per kind of fate."""
    totals = {
        kind: {"files": 0, "bytes": 0} for kind in ("listed", "removed", "quarantined", "kept")
    }
    for row in summary.funnel:
        totals[row.kind]["files"] += row.num_files
        totals[row.kind]["bytes"] += row.size_bytes
    return totals


def _steps(funnel: tuple[FunnelRow, ...]) -> Iterator[tuple[FunnelRow, Markup]]:
    """Rows of the funnel with their bars: what is left after the row, then what it took."""
    listed = left = max((row.num_files for row in funnel if row.kind == "listed"), default=0)
    for row in funnel:
        taken = 0 if row.kind in ("listed", "kept") else row.num_files
        left -= taken
        whole = listed or 1
        label = f"{formatting.number(left)} of {formatting.number(listed)} files left"
        parts = [
            ("kept" if row.kind == "kept" else "left", left / whole),
            (row.kind, taken / whole),
        ]
        yield row, charts.bar(parts, label)


def _flat(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Parameters under their dotted names, as the command line sets them."""
    for key, value in params.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value) or "(none)"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "(none)" if value in (None, "", {}) else str(value)


def _num_problems(summary: RunSummary) -> int:
    """Broken rules, balances, bands and missed canaries."""
    return (
        sum(len(contract.failed) for contract in summary.contracts)
        + sum(not row.is_ok for row in summary.conservation)
        + sum(not row.is_ok for row in summary.removal_bands)
        + sum(row.num_caught < row.num_planted for row in summary.canaries)
    )


def _explain_command(summary: RunSummary, family: FamilyRow) -> Markup:
    """The command that says why an example went; an id is safe to paste where a path is not."""
    blob_id = next((file.blob_id for file in family.examples), family.kept.blob_id)
    command = f"stackspark explain {shlex.quote(blob_id)} --lake {shlex.quote(summary.lake)}"
    return _message(command)
