"""The verbs of the command line: check the inputs, hold the lake, run, publish, answer."""

import json
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from stackspark.contracts.expectations_project import check_folder, write_project
from stackspark.contracts.gate import ContractResult, check_table, failed_message, preload
from stackspark.contracts.tables import table_contract, table_names
from stackspark.decontamination.items import read_benchmarks
from stackspark.decontamination.matcher import BenchmarkMatcher
from stackspark.duplicates.representatives import representatives
from stackspark.duplicates.select_representatives import SelectRepresentativesParams
from stackspark.errors import ContractError, InputError, LakeError, UsageError
from stackspark.explain.explain import explain
from stackspark.explain.explanation import Explanation
from stackspark.explain.lookups import PublishedTables
from stackspark.lake.lake import Lake, Publication
from stackspark.lake.locks import LakeLock
from stackspark.lake.scratch import Scratch
from stackspark.opt_outs.requests import OptOutRequest, is_opted_out, opt_out_requests
from stackspark.recipe.load import load_recipe
from stackspark.recipe.model import Recipe
from stackspark.report.metrics import render_metrics
from stackspark.report.page import render_page
from stackspark.report.summary import Failure, RunSummary, from_json, to_json
from stackspark.report.terminal import funnel_text
from stackspark.run.canaries import canary_request, judged_canaries, riding_canaries
from stackspark.run.fates import Fates
from stackspark.run.inputs import Inputs
from stackspark.run.pipeline import STEPS, run_steps
from stackspark.run.plan import RunPlan, plan_new, plan_steps
from stackspark.run.publish import check_conservation, describe_exports, publication
from stackspark.run.step import RunContext, run_step
from stackspark.run.summary import contract_rows, removal_bands, summarise
from stackspark.runtime.fingerprints import code_version, plain
from stackspark.runtime.progress import Progress, task_counter
from stackspark.runtime.session import SessionParams, is_local, spark_session
from stackspark.runtime.storage.filesystems import (
    folder_names,
    joined,
    make_folder,
    store_text,
    stored_text,
)
from stackspark.runtime.storage.s3 import declare_public, is_s3
from stackspark.sources.base.specs import SourceSpec, parse_source, read_sources_file, source_entry
from stackspark.sources.canaries import canaries_container
from stackspark.sources.gharchive.reader import expand_archives
from stackspark.sources.listing.containers import expand_sources
from stackspark.sources.origins.index_locations import check_index

REPORTS = "reports"
LOGS = "logs"


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of a run; `until` is the last step to run, publishing nothing."""

    recipe: str
    lake: str = "lake"
    sources: tuple[str, ...] = ()
    sources_file: Path | None = None
    gharchive: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    master: str | None = None
    quiet: bool = False
    log_json: bool = False
    until: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """Result of a run."""

    run_id: str
    lake: str
    is_published: bool
    seconds: float
    report: str | None
    summary: RunSummary | None
    versions: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """As JSON for a script."""
        funnel = self.summary.funnel if self.summary else ()
        exports = self.summary.exports if self.summary else ()
        return {
            "run_id": self.run_id,
            "lake": self.lake,
            "is_published": self.is_published,
            "seconds": self.seconds,
            "report": self.report,
            "table_versions": self.versions,
            "funnel": [vars(row) for row in funnel],
            "exports": [vars(row) for row in exports],
        }

    def to_text(self) -> str:
        """The funnel and where things are, for a person."""
        if self.summary is None:
            return f"run {self.run_id}: nothing was published; lake {self.lake}"
        return funnel_text(self.summary, self.report or "")


def run_recipe(options: RunOptions) -> RunOutcome:
    """Run a recipe, whole or up to a step; publish a whole run."""
    if options.until not in (None, *STEPS):
        raise UsageError(f"no step {options.until!r}: needed one of {', '.join(STEPS)}")
    inputs = gather_inputs(options)
    preload()
    started = datetime.now(UTC)
    run_id = f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    progress = Progress(quiet=options.quiet, as_json=options.log_json, run_id=run_id)
    Lake(options.lake).create_or_open()
    with LakeLock(options.lake, run_id) as lock, _scratch(options.lake, run_id) as scratch:
        progress.say(f"run {run_id}: recipe {inputs.recipe.name}, lake {options.lake}")
        needed = replace(_needed(options, inputs), event_log_dir=_event_log(options.lake, run_id))
        spark = _session(needed, options.master)
        progress.tasks = task_counter(spark)
        context = RunContext(
            spark=spark,
            lake=Lake(options.lake),
            lock=lock,
            run_id=run_id,
            progress=progress,
            scratch=scratch,
        )
        try:
            with context.background:
                return _run(context, inputs, options, started)
        except ContractError as error:
            path = _report_failure(context, inputs.recipe, started, error)
            raise type(error)(f"{error}; see {path}", error.details) from None


def plan_recipe(options: RunOptions) -> RunPlan:
    """Say of each step whether a run would take it over, and why not; nothing is written."""
    progress = Progress(quiet=options.quiet)
    inputs = gather_inputs(options)
    lake = Lake(options.lake)
    planned = plan_new(STEPS)
    if lake.exists():
        lake.open()
        spark = _session(_needed(options, inputs), options.master)
        progress.tasks = task_counter(spark)
        with _plan_scratch(options.lake, spark) as scratch, progress.step("plan"):
            context = RunContext(
                spark=spark,
                lake=lake,
                lock=LakeLock(options.lake, "plan"),
                run_id="plan",
                progress=progress,
                scratch=scratch,
                is_writable=False,
            )
            planned = tuple(
                plan_steps(
                    context, run_steps(context, inputs, Fates(context, inputs.recipe.keep_order))
                )
            )
    return RunPlan(recipe=inputs.recipe.name, lake=options.lake, steps=planned)


def _run(context: RunContext, inputs: Inputs, options: RunOptions, started: datetime) -> RunOutcome:
    recipe = inputs.recipe
    fates = Fates(context, recipe.keep_order)
    for name, step in run_steps(context, inputs, fates).items():
        run_step(context, step())
        if name == options.until:
            return _outcome(context, options, started, None, None)
    with context.progress.step("report") as line:
        summary = summarise(context, recipe, fates.of_files(), started, datetime.now(UTC))
        check_conservation(summary)
        context.lock.renew()
        describe_exports(context, recipe, summary)
        path = write_report(options.lake, summary)
        line.summary = path
    with context.progress.step("publish"):
        context.background.wait()
        context.lock.renew()
        context.lake.publish(context.spark, publication(context, recipe))
    return _outcome(context, options, started, summary, path)


def _outcome(
    context: RunContext,
    options: RunOptions,
    started: datetime,
    summary: RunSummary | None,
    report: str | None,
) -> RunOutcome:
    return RunOutcome(
        run_id=context.run_id,
        lake=options.lake,
        is_published=summary is not None,
        seconds=(datetime.now(UTC) - started).total_seconds(),
        report=report,
        summary=summary,
        versions=dict(context.versions),
    )


def gather_inputs(options: RunOptions) -> Inputs:
    """Check recipe, sources, opt-outs and benchmarks, before anything of a source is read."""
    recipe = load_recipe(options.recipe, options.settings)
    declare_public(recipe.public_buckets)
    # Its name asks for the detector that the recipe names: known before anything is read.
    _ = recipe.license_texts.version
    requests = tuple(opt_out_requests(recipe.opt_outs)) if recipe.opt_outs else ()
    specs = source_specs(recipe, options)
    _check_source_bands(recipe, specs)
    indexes = tuple(dict.fromkeys(spec for spec in specs if spec.is_index))
    containers = expand_sources(spec for spec in specs if not spec.is_index)
    for spec in indexes:
        check_index(spec)
    opted_out = _opted_out(containers, requests)
    items = read_benchmarks(recipe.benchmarks.path)
    matcher = BenchmarkMatcher(items, min_normalized_chars=recipe.benchmarks.min_normalized_chars)
    canaries = riding_canaries(recipe, matcher, items)
    riding = (canaries_container(canaries),) if canaries else ()
    if canaries:
        requests = (*requests, canary_request())
    return Inputs(
        recipe=recipe,
        containers=(*(c for c in containers if c.origin_url not in opted_out), *riding),
        opt_outs=requests,
        opted_out=opted_out,
        num_opted_out=sum(c.origin_url in opted_out for c in containers),
        indexes=indexes,
        event_files=tuple(expand_archives(options.gharchive or recipe.gharchive)),
        benchmarks=matcher,
        canaries=judged_canaries(canaries, recipe) if canaries else (),
    )


def source_specs(recipe: Recipe, options: RunOptions) -> list[SourceSpec]:
    """The sources of the command line, or else those of the recipe."""
    specs = [parse_source(text) for text in options.sources]
    if options.sources_file is not None:
        specs += read_sources_file(options.sources_file)
    if not specs:
        where = f"recipe {recipe.name}, source"
        specs = [source_entry(item, f"{where} {n}") for n, item in enumerate(recipe.sources, 1)]
    if not specs:
        raise UsageError(
            f"recipe {recipe.name} names no sources: say --source KIND:LOCATION or --sources FILE"
        )
    return specs


def _check_source_bands(recipe: Recipe, specs: Sequence[SourceSpec]) -> None:
    """Sources that the command line replaced may keep their bands."""
    written = [item if isinstance(item, str) else item.get("source") for item in recipe.sources]
    known = [*(spec.source for spec in specs), *filter(None, written)]
    recipe.near_duplicates.removal_bands.check_sources(known)


def _opted_out(containers: Sequence[Any], requests: Sequence[OptOutRequest]) -> dict[str, str]:
    found = {c.origin_url: is_opted_out(c.origin_url, c.repo_name, requests) for c in containers}
    return {url: request for url, request in found.items() if request is not None}


def explain_target(
    lake: str, target: str, run_id: str | None = None, master: str | None = None
) -> Explanation:
    """Explain what became of a file in a published run."""
    with _reading(lake, run_id, master) as (spark, opened, publication):
        versions = publication.table_versions
        tables = {name: opened.read(spark, name, version) for name, version in versions.items()}
        names = PublishedTables.__annotations__
        published = PublishedTables(
            **{name: rows for name, rows in tables.items() if name in names},
            representatives=representatives(tables, keep_order(publication)),
        )
        return explain(published, target)


def keep_order(publication: Publication) -> SelectRepresentativesParams:
    """The order by which a published run chose among copies; that of older runs is the default."""
    said = json.loads(publication.params).get("keep_order", {})
    return SelectRepresentativesParams(**said)


@dataclass(frozen=True, kw_only=True)
class Validation:
    """The results of contracts that were checked."""

    results: tuple[ContractResult, ...]

    @property
    def ok(self) -> bool:
        """Whether every contract holds."""
        return all(result.ok for result in self.results)

    def to_dict(self) -> dict[str, Any]:
        """As JSON for a script."""
        return {result.table: json.loads(result.to_json()) for result in self.results}

    def to_text(self) -> str:
        """One line per table, and one per broken rule."""
        lines = [
            f"{'ok    ' if r.ok else 'FAILED'} {r.table:<16} {r.num_rows:>12,} rows  "
            f"{len(r.rules)} rules"
            for r in self.results
        ]
        broken = [failed_message(result) for result in self.results if not result.ok]
        return "\n".join([*lines, *broken])


def validate_tables(
    lake: str, table: str | None, run_id: str | None = None, master: str | None = None
) -> Validation:
    """Check the published version of one table, or of all, against its contract."""
    if table is not None and table not in table_names():
        raise UsageError(f"no table {table!r}: needed one of {', '.join(table_names())}")
    with _reading(lake, run_id, master) as (spark, opened, publication):
        versions = publication.table_versions
        if table is not None and table not in versions:
            raise LakeError(f"run {publication.run_id} published no table {table}")
        names = [table] if table is not None else sorted(versions)
        return Validation(
            results=tuple(
                check_table(
                    opened.read(spark, name, versions[name]), table_contract(name), constrained=True
                )
                for name in names
            )
        )


def write_expectations(
    lake: str, folder: str, table: str | None = None, run_id: str | None = None
) -> str:
    """Write a project of Great Expectations for the tables of a published run; returns its folder.

    Raises:
        UsageError: the lake is in an object store, the folder holds something else, or a single
            table was named.
    """
    if is_s3(lake):
        raise UsageError(f"--great-expectations needs a lake on a disk, found {lake}")
    if table is not None:
        raise UsageError(f"--great-expectations writes all tables; leave out {table!r}")
    check_folder(Path(folder))
    with _reading(lake, run_id, None) as (_, opened, publication):
        tables = Path(opened.table_path("origins")).parent
        write_project(Path(folder), tables, publication.table_versions)
    return folder


def render_report(lake: str, run_id: str | None = None) -> str:
    """Render the page of a run again from its summary; returns the page's path."""
    Lake(lake).open()
    name = f"{run_id or 'latest'}.json"
    summary = stored_text(joined(lake, REPORTS, name))
    if summary is None:
        raise InputError(f"lake {lake} has no report {name}; finish a run first")
    return write_report(lake, from_json(summary))


def write_report(lake: str, summary: RunSummary) -> str:
    """Write a run's summary and page, and what `latest` shows; returns the page's path."""
    folder = joined(lake, REPORTS)
    make_folder(folder)
    contents = {
        ".json": to_json(summary),
        ".html": render_page(summary),
        ".prom": render_metrics(summary),
    }
    for suffix, text in contents.items():
        for name in (summary.run_id, "latest"):
            store_text(joined(folder, f"{name}{suffix}"), text)
    return joined(folder, f"{summary.run_id}.html")


def _report_failure(
    context: RunContext, recipe: Recipe, started: datetime, error: ContractError
) -> str:
    records = [*context.records, *([context.failed] if context.failed else [])]
    summary = RunSummary(
        run_id=context.run_id,
        recipe=recipe.name,
        lake=context.lake.root,
        code_version=code_version(),
        started_at=started,
        finished_at=datetime.now(UTC),
        params=plain(recipe),
        failure=Failure(
            step=context.failed.step if context.failed else "report", message=str(error)
        ),
        removal_bands=removal_bands(records),
        contracts=contract_rows(records),
    )
    return write_report(context.lake.root, summary)


@contextmanager
def _reading(
    lake: str, run_id: str | None, master: str | None
) -> Iterator[tuple[SparkSession, Lake, Publication]]:
    opened = Lake(lake)
    opened.open()
    spark = _session(SessionParams(lake=lake), master)
    publication = opened.published(spark, run_id)
    if publication is None:
        wanted = f"published run {run_id}" if run_id else "published run"
        raise LakeError(f"lake {lake} has no {wanted}; finish a run first")
    yield spark, opened, publication


@contextmanager
def _scratch(lake: str, run_id: str) -> Iterator[Scratch]:
    """Scratch of one run, gone when it ends; what killed runs left behind goes first."""
    every = Scratch(folder=joined(lake, "scratch"))
    every.clear()
    own = Scratch(folder=every.path(run_id))
    try:
        yield own
    finally:
        own.clear()
        # A run that has taken the lake over meanwhile has its own beside it.
        if not folder_names(every.folder):
            every.clear()


@contextmanager
def _plan_scratch(lake: str, spark: SparkSession) -> Iterator[Scratch]:
    """Where sources are listed for a plan: outside the lake, if all tasks can reach that."""
    if is_local(spark.sparkContext.master or ""):
        with tempfile.TemporaryDirectory(prefix="stackspark-plan-") as folder:
            yield Scratch(folder=folder)
        return
    scratch = Scratch(folder=joined(lake, "plans", secrets.token_hex(4)))
    try:
        yield scratch
    finally:
        scratch.clear()


def _event_log(lake: str, run_id: str) -> str | None:
    """Folder of Spark's events of one run; an object store has no folder to put them into."""
    if is_s3(lake):
        return None
    folder = str(Path(lake, LOGS, run_id).absolute())
    make_folder(folder)
    return folder


def _needed(options: RunOptions, inputs: Inputs) -> SessionParams:
    """The session that the lake and the sources need."""
    return SessionParams(lake=options.lake, reads_s3=inputs.reads_s3, opens_s3=inputs.opens_s3)


def _session(params: SessionParams, master: str | None) -> SparkSession:
    return spark_session(replace(params, master=master) if master else params)
