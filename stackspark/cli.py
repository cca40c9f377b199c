"""The command line: verbs only, no logic.

Nothing heavy is imported before a verb needs it, so that ``stackspark --help`` answers at once.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from stackspark import __version__
from stackspark.errors import StacksparkError

INTERRUPTED = "interrupted; what was committed stays, run again to go on"

app = typer.Typer(
    help="Build code datasets for language models: every file that is out has a reason.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

LakeOption = Annotated[str, typer.Option("--lake", help="Folder of the lake.")]
MasterOption = Annotated[
    str | None, typer.Option("--master", help="Spark master, such as local[2].")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
LogOption = Annotated[
    bool, typer.Option("--log-json", help="Log progress as JSON, with run and step.")
]
RunOption = Annotated[
    str | None, typer.Option("--run", help="A run's id; the published one if not given.")
]
SourceOption = Annotated[
    list[str] | None,
    typer.Option("--source", help="KIND:LOCATION; replaces the recipe's sources; may be repeated."),
]
SourcesOption = Annotated[
    Path | None, typer.Option("--sources", help="YAML list of sources; replaces the recipe's.")
]
EventsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--gharchive", help="Archived events of GitHub; replaces the recipe's; may be repeated."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="KEY=VALUE by dotted name, such as near_duplicates.threshold=0.8."),
]


@app.callback(invoke_without_command=True)
def _without_verb(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"stackspark {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


@app.command()
def init(
    source: Annotated[list[str], typer.Argument(help="KIND:LOCATION, such as git:. or dir:src.")],
    out: Annotated[Path, typer.Option("--out", help="The new file.")] = Path("recipe.yaml"),
) -> None:
    """Write a commented recipe for some sources."""
    from stackspark.commands.init import write_recipe  # noqa: PLC0415

    typer.echo(write_recipe(out, source))


@app.command()
def run(
    recipe: Annotated[
        str, typer.Argument(help="A built-in recipe's name or a YAML file.")
    ] = "default",
    lake: LakeOption = "lake",
    source: SourceOption = None,
    sources: SourcesOption = None,
    gharchive: EventsOption = None,
    settings: SetOption = None,
    master: MasterOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    log_json: LogOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run and why; write nothing.")
    ] = False,
) -> None:
    """Run a whole recipe and publish what it made."""
    given = _given(source, sources, gharchive, settings, master, quiet)
    _run(recipe, lake, given | {"log_json": log_json}, as_json, dry_run=dry_run)


@app.command("stage", hidden=True)
@app.command()
def step(
    name: Annotated[
        str,
        typer.Argument(help="A step, such as scan, verdicts, near_duplicates or export."),
    ],
    recipe: Annotated[str, typer.Option("--recipe", help="A built-in recipe or a YAML file.")],
    lake: LakeOption = "lake",
    source: SourceOption = None,
    sources: SourcesOption = None,
    gharchive: EventsOption = None,
    settings: SetOption = None,
    master: MasterOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    log_json: LogOption = False,
) -> None:
    """Run one step and whatever it needs that is not done yet; publish nothing."""
    given = _given(source, sources, gharchive, settings, master, quiet)
    _run(recipe, lake, given | {"until": name, "log_json": log_json}, as_json)


@app.command()
def explain(
    target: Annotated[
        str, typer.Argument(help="REPOSITORY:PATH, a SWHID, a blob's SHA-1, or the end of a path.")
    ],
    lake: LakeOption = "lake",
    run_id: RunOption = None,
    master: MasterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say of a file why it is in or out."""
    from stackspark.commands.run import explain_target  # noqa: PLC0415

    _show(explain_target(lake, target, run_id=run_id, master=master), as_json)


@app.command()
def report(lake: LakeOption = "lake", run_id: RunOption = None) -> None:
    """Render the HTML report of a run again and print its path."""
    from stackspark.commands.run import render_report  # noqa: PLC0415

    typer.echo(render_report(lake, run_id=run_id))


@app.command()
def validate(
    table: Annotated[str | None, typer.Argument(help="A table; all of them if not given.")] = None,
    lake: LakeOption = "lake",
    run_id: RunOption = None,
    master: MasterOption = None,
    as_json: JsonOption = False,
    great_expectations: Annotated[
        str | None,
        typer.Option(
            "--great-expectations",
            help="Check nothing; write a project of Great Expectations into this folder.",
        ),
    ] = None,
) -> None:
    """Check published tables against their contracts."""
    from stackspark.commands.run import validate_tables, write_expectations  # noqa: PLC0415

    if great_expectations is not None:
        typer.echo(write_expectations(lake, great_expectations, table, run_id=run_id))
        return
    outcome = validate_tables(lake, table, run_id=run_id, master=master)
    _show(outcome, as_json)
    if not outcome.ok:
        raise typer.Exit(4)


@app.command(name="near-duplicates")
def near_duplicates(
    parquet: Annotated[str, typer.Argument(help="A Parquet file or folder.")],
    out: Annotated[str, typer.Option("--out", help="A new or empty folder for what comes out.")],
    id_column: Annotated[str, typer.Option("--id", help="Column of the texts' unique ids.")] = "id",
    text: Annotated[str, typer.Option("--text", help="Column of the texts.")] = "text",
    rank: Annotated[
        str | None, typer.Option("--rank", help="Column whose lower values are kept first.")
    ] = None,
    scope: Annotated[
        str | None, typer.Option("--scope", help="Column within whose values twins are sought.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="Least Jaccard similarity of a pair.")] = 0.7,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Trust signatures near the threshold: faster.")
    ] = False,
    rule: Annotated[
        Literal["cover", "components"],
        typer.Option(help="components: The Stack v2's, which verifies nothing."),
    ] = "cover",
    kept: Annotated[bool, typer.Option("--kept", help="Write the rows that stay, too.")] = False,
    master: MasterOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Remove near-duplicates from texts in Parquet, without a lake."""
    from stackspark.commands.near_duplicates import DeduplicateOptions, deduplicate_parquet  # noqa: PLC0415
    from stackspark.duplicates.near.columns import TextColumns  # noqa: PLC0415
    from stackspark.duplicates.near.texts import DEFAULTS  # noqa: PLC0415

    options = DeduplicateOptions(
        parquet=parquet,
        out=out.rstrip("/"),
        columns=TextColumns(id=id_column, text=text, rank=rank, scope=scope),
        params=replace(
            DEFAULTS,
            rule=rule,
            threshold=threshold,
            verification="estimate" if estimate else "exact",
        ),
        with_kept=kept,
        master=master,
        quiet=quiet,
    )
    _show(deduplicate_parquet(options), as_json)


@app.command()
def maintain(
    lake: LakeOption = "lake",
    keep: Annotated[int, typer.Option(help="Publications to keep, the newest first.")] = 3,
    file_mb: Annotated[
        int, typer.Option("--file-mb", help="MiB of a file; smaller ones are joined.")
    ] = 256,
    master: MasterOption = None,
    as_json: JsonOption = False,
    log_json: LogOption = False,
    quiet: QuietOption = False,
) -> None:
    """Migrate an older lake, join small files, remove what no kept run needs."""
    from stackspark.commands.maintain import MaintainOptions, maintain_lake  # noqa: PLC0415

    options = MaintainOptions(
        lake=lake,
        keep=keep,
        file_bytes=file_mb << 20,
        master=master,
        quiet=quiet,
        log_json=log_json,
    )
    _show(maintain_lake(options), as_json)


@app.command()
def doctor(lake: LakeOption = "lake", as_json: JsonOption = False) -> None:
    """Check Java, jars, versions, memory, disk and the lake, each with its mend."""
    from stackspark.commands.doctor import render, run_checks  # noqa: PLC0415

    checks = run_checks(lake)
    rows = [vars(check) if hasattr(check, "__dict__") else check for check in checks]
    typer.echo(json.dumps(rows, default=str) if as_json else render(checks))
    if not all(check.ok for check in checks):
        raise typer.Exit(5)


def _given(
    source: list[str] | None,
    sources: Path | None,
    gharchive: list[str] | None,
    settings: list[str] | None,
    master: str | None,
    quiet: bool,
) -> dict[str, Any]:
    """The options that `run` and `step` share, as `RunOptions` names them."""
    return {
        "sources": tuple(source or ()),
        "sources_file": sources,
        "gharchive": tuple(gharchive or ()),
        "settings": tuple(settings or ()),
        "master": master,
        "quiet": quiet,
    }


def _run(
    recipe: str, lake: str, given: dict[str, Any], as_json: bool, *, dry_run: bool = False
) -> None:
    from stackspark.commands.run import RunOptions, plan_recipe, run_recipe  # noqa: PLC0415

    options = RunOptions(recipe=recipe, lake=lake, **given)
    _show(plan_recipe(options) if dry_run else run_recipe(options), as_json)


def _show(outcome: Any, as_json: bool) -> None:
    typer.echo(json.dumps(outcome.to_dict(), default=str) if as_json else outcome.to_text())


def main() -> None:
    """Entry point of the command line."""
    sys.exit(exit_code(sys.argv[1:], "stackspark"))


def exit_code(arguments: Sequence[str], name: str) -> int:
    """Run a command line; one line on standard error and an exit code for what goes wrong."""
    signal.signal(signal.SIGTERM, _interrupt)
    # An interrupt finds Spark's bridge at work, which would log its traces over our one line.
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_is_no_trace)
    try:
        code = app(list(arguments), prog_name=name, standalone_mode=False) or 0
    except StacksparkError as error:
        return _fail(str(error), error.exit_code, error.details)
    except KeyboardInterrupt:
        return _fail(INTERRUPTED, 130)
    except Exception as error:
        if hasattr(error, "format_message"):
            return _fail(_usage(error), 2)
        from stackspark.runtime.failures import describe  # noqa: PLC0415

        failure = describe(error)
        return _fail(failure.message, failure.exit_code)
    # Typer makes this code of an interrupt, without a word.
    return _fail(INTERRUPTED, code) if code == 130 else int(code)


def _usage(error: Any) -> str:
    """One line for what Typer says in several."""
    said = error.format_message().rstrip(".")
    path = error.ctx.command_path if error.ctx else "stackspark"
    return f"{said[0].lower()}{said[1:]}; see {path} --help"


def _is_no_trace(record: logging.LogRecord) -> bool:
    return record.exc_info is None


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _fail(message: str, code: int, details: Sequence[str] = ()) -> int:
    for detail in details:
        print(f"  {detail}", file=sys.stderr)
    line = " ".join(message.split())
    print(f"stackspark: {line}", file=sys.stderr, flush=True)
    _leave_quietly(code)
    return code


def _leave_quietly(code: int) -> None:
    """An interrupted session would print what its threads meet on the way down: leave at once."""
    if code == 130:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
