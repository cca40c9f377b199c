"""What only a whole run can show: causes, resumed and grown runs, broken rules, equal bytes."""

import hashlib
import json
import re
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planted import CARGO, CAUSES, DEMO, SHIP, Fixture, plant, write_files
from pyspark.sql import DataFrame, SparkSession
from whole_runs import shard_hashes

import stackspark.run.steps.checks
import stackspark.run.steps.licenses
import stackspark.run.steps.scan
from stackspark import cli
from stackspark.commands import run as commands
from stackspark.commands.run import (
    RunOptions,
    RunOutcome,
    explain_target,
    plan_recipe,
    run_recipe,
    validate_tables,
    write_expectations,
)
from stackspark.contracts.gate import great_expectations
from stackspark.duplicates.finalize_verdicts import finalize_verdicts
from stackspark.duplicates.representatives import representatives
from stackspark.duplicates.select_representatives import SelectRepresentativesParams
from stackspark.errors import ContractError, UsageError
from stackspark.explain.explanation import Explanation
from stackspark.lake.delta_tables import WriteResult
from stackspark.lake.holders import SHARD_COLUMNS, undeclared_files
from stackspark.lake.lake import Lake
from stackspark.rules.judge import resolved, without_duplicates
from stackspark.run.pipeline import STEPS
from stackspark.run.plan import GONE, NEW
from stackspark.sources.canaries import REPO_NAME as CANARIES

further_run = pytest.mark.integration
"""For runs beyond the first one and its repetition: each takes minutes."""

TABLES = (
    "origins", "contents", "files", "quarantine", "measurements", "file_languages", "licenses",
    "ledger", "similarities", "near_duplicates", "documents", "shards",
)  # fmt: skip
"""Every table that a run writes, in its order."""
LIMIT = "filters.long_lines.max_avg_line_length=35"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    return plant(tmp_path_factory.mktemp("planted"))


@contextmanager
def _settings(spark: SparkSession, **settings: str) -> Iterator[None]:
    names = {"partitions": "spark.sql.shuffle.partitions", "adaptive": "spark.sql.adaptive.enabled"}
    before = {names[name]: spark.conf.get(names[name]) for name in settings}
    for name, value in settings.items():
        spark.conf.set(names[name], value)
    yield
    for name, value in before.items():
        spark.conf.set(name, value)


def _options(planted: Fixture, lake: str, **options: Any) -> RunOptions:
    return RunOptions(recipe=planted.recipe, lake=lake, quiet=True, **options)


def _run(planted: Fixture, lake: str, **options: Any) -> RunOutcome:
    return run_recipe(_options(planted, lake, **options))


def _read_bytes(outcome: RunOutcome) -> dict[str, int]:
    """Packed bytes of texts that each step read."""
    assert outcome.summary
    return {each.step: each.read_bytes for each in outcome.summary.timings}


def _tree(folder: str) -> dict[str, float]:
    """When each file below a folder was written."""
    return {str(path): path.stat().st_mtime for path in Path(folder).rglob("*")}


@pytest.fixture(scope="module")
def first(
    spark: SparkSession, planted: Fixture, tmp_path_factory: pytest.TempPathFactory
) -> RunOutcome:
    with _settings(spark, partitions="4"):
        return _run(planted, str(tmp_path_factory.mktemp("lakes") / "first"))


def _tables(spark: SparkSession, lake: str) -> dict[str, DataFrame]:
    """The published tables of a lake."""
    opened = Lake(lake)
    publication = opened.published(spark)
    assert publication
    versions = publication.table_versions
    return {name: opened.read(spark, name, version) for name, version in versions.items()}


@pytest.fixture(scope="module")
def tables(spark: SparkSession, first: RunOutcome) -> dict[str, DataFrame]:
    return _tables(spark, first.lake)


def _file_verdicts(tables: Mapping[str, DataFrame]) -> list[dict[str, Any]]:
    """Every file's fate, from the published tables alone; without the canaries."""
    verdicts = resolved(tables, without_duplicates(tables["ledger"]))
    chosen = representatives(tables, SelectRepresentativesParams())
    final = finalize_verdicts(verdicts, chosen, tables["near_duplicates"])
    names = tables["origins"].where(f"repo_name <> '{CANARIES}'")
    names = names.select("directory_id", "repo_name")
    rows = final.join(names, "directory_id", how="inner").collect()
    return [row.asDict() for row in rows]


def _shard_hashes(outcome: RunOutcome) -> dict[str, str]:
    return shard_hashes(outcome.lake)


def _taken_over(outcome: RunOutcome) -> list[str]:
    assert outcome.summary
    assert tuple(timing.step for timing in outcome.summary.timings) == STEPS
    return [timing.step for timing in outcome.summary.timings if timing.is_taken_over]


# One run


def test_run_gives_every_planted_file_its_cause(tables: dict[str, DataFrame]) -> None:
    found: dict[str, dict[str, str | None]] = {}
    for row in _file_verdicts(tables):
        assert (row["status"] == "kept") == (row["cause"] is None)
        found.setdefault(row["repo_name"], {})[row["path"]] = row["cause"]
    assert found == CAUSES


def test_run_conserves_containers_files_documents_and_exports(first: RunOutcome) -> None:
    assert first.summary
    rows = {row.step: row for row in first.summary.conservation}
    assert set(rows) == {
        "list (containers)", "verdicts", "documents",
        "export files", "export documents", "export ids",
    }  # fmt: skip
    assert all(row.is_ok for row in rows.values())
    listed, files = rows["list (containers)"], rows["verdicts"]
    assert (listed.num_in, listed.num_kept, listed.num_removed, listed.num_quarantined) == (
        5, 3, 1, 1,
    )  # fmt: skip
    causes = [cause for paths in CAUSES.values() for cause in paths.values()]
    assert (files.num_in, files.num_kept) == (len(causes), causes.count(None))


def test_run_names_a_kept_twin_for_every_duplicate(tables: dict[str, DataFrame]) -> None:
    rows = _file_verdicts(tables)
    kept = {(row["directory_id"], row["path"]) for row in rows if row["status"] == "kept"}
    duplicates = [row for row in rows if "duplicate" in (row["cause"] or "")]
    assert {row["cause"] for row in duplicates} == {"exact_duplicate", "near_duplicate"}
    assert {(row["kept_directory_id"], row["kept_path"]) for row in duplicates} <= kept


def test_run_never_lists_an_origin_that_opted_out(tables: dict[str, DataFrame]) -> None:
    origins = tables["origins"].select("origin_url").collect()
    assert "https://example.org/eve/gone" not in {row["origin_url"] for row in origins}
    rows = tables["ledger"].where("grain = 'origin'").collect()
    assert [(row["subject_id"], row["rule"], row["evidence"]) for row in rows] == [
        ("https://example.org/eve/gone", "opt_out", "request-1")
    ]
    secret = hashlib.sha1(CARGO.encode()).hexdigest()
    assert tables["contents"].where(f"blob_id = '{secret}'").count() == 0


def test_run_does_not_fetch_a_path_that_opted_out(tables: dict[str, DataFrame]) -> None:
    (row,) = tables["files"].where("path = '/private/diary.md'").collect()
    assert row["blob_id"] is None


def test_run_quarantines_a_torn_archive(tables: dict[str, DataFrame]) -> None:
    rows = tables["quarantine"].collect()
    assert [(row["grain"], Path(row["key"]).name) for row in rows] == [
        ("origin", "torn-1.0.tar.gz")
    ]


def test_run_writes_manifests_that_match_the_shards(
    first: RunOutcome, tables: dict[str, DataFrame]
) -> None:
    hashes = _shard_hashes(first)
    listed = {}
    for manifest in Path(first.lake, "shards").rglob("manifest.json"):
        folder = manifest.parent.relative_to(Path(first.lake, "shards"))
        for shard in json.loads(manifest.read_text(encoding="utf-8"))["shards"]:
            listed[f"{folder}/{shard['path']}"] = shard["sha256"]
        assert (manifest.parent / "README.md").read_text(encoding="utf-8").startswith("---\n")
    assert listed == hashes
    rows = tables["shards"].select("path", "sha256").collect()
    assert {row["path"].removeprefix("shards/"): row["sha256"] for row in rows} == hashes
    assert {name.split("/")[0] for name in hashes} == {"files", "documents", "ids", "notices"}


def test_run_exports_the_kept_files_and_their_texts(
    first: RunOutcome, tables: dict[str, DataFrame]
) -> None:
    kept = {
        (repository, path)
        for repository, paths in CAUSES.items()
        for path, cause in paths.items()
        if cause is None
    }
    shards = Path(first.lake, "shards", "files").rglob("*.parquet")
    rows = [row for shard in shards for row in pq.read_table(shard).to_pylist()]
    assert {(row["repo_name"], row["path"]) for row in rows} == kept
    (ship,) = (row for row in rows if row["path"] == "/src/ship.py")
    assert ship["content"] == SHIP


def test_run_writes_a_report_that_renders_again(first: RunOutcome) -> None:
    assert first.report
    page = Path(first.report).read_text(encoding="utf-8")
    assert first.run_id in page
    assert commands.render_report(first.lake) == first.report
    assert Path(first.report).read_text(encoding="utf-8") == page


def test_validate_finds_every_published_table_in_order(first: RunOutcome) -> None:
    validation = validate_tables(first.lake, None)
    assert validation.ok
    assert {result.table for result in validation.results} == set(first.versions)


def test_expectations_are_written_for_every_published_table(
    first: RunOutcome, tmp_path: Path
) -> None:
    folder = write_expectations(first.lake, str(tmp_path / "project"))
    context = great_expectations().get_context(mode="file", project_root_dir=folder)
    definitions = context.checkpoints.get("stackspark").validation_definitions
    versions = {each.asset.name: int(each.asset.version_as_of) for each in definitions}
    assert versions == first.versions
    assert context.variables.analytics_enabled is False


def test_run_leaves_no_scratch_and_no_lock(first: RunOutcome) -> None:
    assert not Path(first.lake, "scratch").exists()
    assert not Path(first.lake, "locks", "writer.lock").exists()


# Explaining it


@pytest.fixture(scope="module")
def ask(first: RunOutcome) -> Callable[[str], Explanation]:
    return lambda target: explain_target(first.lake, target)


def test_explain_a_kept_file(ask: Callable[[str], Explanation]) -> None:
    (file,) = ask("ada/ships:src/ship.py").files
    assert (file.status, file.reasons, file.language) == ("kept", (), "Python")
    assert file.license_type == "permissive"
    assert len(file.documents) == 1


def test_explain_a_filtered_file(ask: Callable[[str], Explanation]) -> None:
    (file,) = ask("bob/planted:data/flag.py").files
    assert (file.status, file.reasons[0].rule) == ("removed", "encoded_fraction")
    assert (file.reasons[0].value or 0) > (file.reasons[0].limit or 0) > 0


def test_explain_a_near_duplicate_names_the_twin_that_stays(
    ask: Callable[[str], Explanation],
) -> None:
    (file,) = ask("bob/planted:src/harbour_copy.py").files
    assert [reason.rule for reason in file.reasons] == ["near_duplicate"]
    assert file.twin
    assert file.twin.path in ("/src/harbour.py", "/src/harbour_again.py")
    assert 0.7 <= file.twin.similarity < 1
    (twin,) = ask(f"{file.twin.repo_name}:{file.twin.path}").files
    assert twin.status == "kept"


def test_explain_an_origin_and_a_file_that_opted_out(ask: Callable[[str], Explanation]) -> None:
    (origin,) = ask("https://example.org/eve/gone:secret.py").unlisted
    assert "opt_out" in origin.words
    assert "request-1" in origin.words
    (file,) = ask("bob/planted:private/diary.md").files
    assert [(reason.rule, reason.evidence) for reason in file.reasons] == [("opt_out", "request-2")]


# The same input, cut differently


@further_run
@pytest.mark.parametrize(
    "settings",
    [{"partitions": "1", "adaptive": "false"}, {"partitions": "16", "adaptive": "true"}],
    ids=["1 partition", "16 partitions"],
)
def test_run_writes_the_same_bytes_at_any_number_of_partitions(
    first: RunOutcome,
    planted: Fixture,
    spark: SparkSession,
    tmp_path: Path,
    settings: dict[str, str],
) -> None:
    with _settings(spark, **settings):
        other = _run(planted, str(tmp_path / "lake"))
    assert _taken_over(other) == []
    assert _shard_hashes(other) == _shard_hashes(first)


# The same lake again


@pytest.fixture(scope="module")
def again(planted: Fixture, first: RunOutcome, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A copy of the first run's lake, for runs that go on from it."""
    lake = tmp_path_factory.mktemp("again") / "lake"
    shutil.copytree(first.lake, lake)
    return str(lake)


def test_rerun_takes_every_step_over(planted: Fixture, first: RunOutcome, again: str) -> None:
    second = _run(planted, again)
    assert _taken_over(second) == list(STEPS)
    assert second.versions == first.versions
    assert _shard_hashes(second) == _shard_hashes(first)


def test_plan_names_what_would_run_and_writes_nothing(planted: Fixture, again: str) -> None:
    before = _tree(again)
    same = plan_recipe(_options(planted, again))
    assert [step.step for step in same.steps if step.is_taken_over] == list(STEPS)
    plan = plan_recipe(_options(planted, again, settings=(LIMIT,), sources_file=planted.grown))
    assert {step.step: step.why for step in plan.steps if not step.is_taken_over} == {
        "list": "its input is another",
        "fetch": "list would run",
        "scan": "fetch would run",
        "licenses": "scan would run",
        "verdicts": "filters.long_lines.max_avg_line_length is 35.0, was 100.0; licenses would run",
        "near_duplicates": "verdicts would run",
        "checks": "near_duplicates would run",
        "documents": "near_duplicates would run",
        "export": "documents would run",
    }
    assert _tree(again) == before
    limit = plan_recipe(_options(planted, again, settings=(LIMIT,)))
    assert [step.step for step in limit.steps if step.is_taken_over] == list(STEPS[:4])


def test_plan_of_a_new_lake_makes_none(planted: Fixture, tmp_path: Path) -> None:
    plan = plan_recipe(_options(planted, str(tmp_path / "new")))
    assert {step.why for step in plan.steps} == {NEW}
    assert [step.step for step in plan.steps] == list(STEPS)
    assert not (tmp_path / "new").exists()


def test_rates_out_of_their_bands_stop_a_run(
    planted: Fixture,
    first: RunOutcome,
    again: str,
    spark: SparkSession,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One of four Python files, and of the two compared of a source, went as a near-duplicate."""
    source = f"dir:{DEMO}/planted"
    bands = {"min_files": 1, "default": [0.0, 0.2], "sources": {source: [0.6, 1.0]}}
    setting = f"near_duplicates.removal_bands={json.dumps(bands)}"
    terminate = signal.getsignal(signal.SIGTERM)
    code = cli.exit_code(["run", planted.recipe, "--lake", again, "--set", setting], "stackspark")
    signal.signal(signal.SIGTERM, terminate)
    assert code == 4
    lines = capsys.readouterr().err.splitlines()
    removed = "language Python: near-duplicates removed 1 of 4 files, 0.25, over the limit of 0.2"
    assert lines[-4:-1] == [
        f"  {removed}",
        f"  source {source}: near-duplicates removed 1 of 2 files, 0.5, under the limit of 0.6",
        "  1 are similar to bob/planted:/src/harbour.py (Python)",
    ]
    assert lines[-1].startswith(
        "stackspark: step checks: table near_duplicates breaks rule removal_rates_in_bands: "
        f"2 of 3 removal rates lie outside their bands, such as that of {removed}; "
    )
    assert not any(line.startswith("  documents") for line in lines)
    page = Path(lines[-1].rpartition("see ")[2]).read_text(encoding="utf-8")
    assert "1 are similar to bob/planted:/src/harbour.py (Python)" in page
    assert page.count("✗ out of band") == 2
    publication = Lake(again).published(spark)
    assert publication
    assert publication.table_versions == first.versions
    runs = spark.read.format("delta").load(Lake(again).table_path("runs"))
    failed = runs.where("status = 'failed'").collect()
    assert [(row["step"], row["table_versions"]) for row in failed] == [("checks", {})]


@further_run
def test_shards_that_are_gone_or_cut_short_are_written_again(
    planted: Fixture, first: RunOutcome, tmp_path: Path
) -> None:
    """What is published names files that are there."""
    lake = str(shutil.copytree(first.lake, tmp_path / "lake"))
    gone, cut = sorted(Path(lake, "shards").rglob("*.parquet"))[:2]
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-1])
    plan = {step.step: step for step in plan_recipe(_options(planted, lake)).steps}
    assert [name for name, step in plan.items() if not step.is_taken_over] == ["export"]
    assert plan["export"].why == GONE
    assert _taken_over(_run(planted, lake)) == [step for step in STEPS if step != "export"]
    assert shard_hashes(lake) == _shard_hashes(first)


@further_run
def test_tables_that_contradict_each_other_stop_a_run(
    planted: Fixture, first: RunOutcome, again: str, spark: SparkSession
) -> None:
    """A join that lost the licences: files would be published that no licence allows."""
    band = 'near_duplicates.removal_bands={"min_files": 7}'
    breaches = stackspark.run.steps.checks.count_breaches

    def without_licenses(verdicts: DataFrame, tables: Any, params: Any) -> DataFrame:
        return breaches(verdicts, tables | {"licenses": tables["licenses"].limit(0)}, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stackspark.run.steps.checks, "count_breaches", without_licenses)
        rule = (
            "step checks: table ledger breaks rule kept_licenses_are_allowed: 33 break it, such as"
        )
        with pytest.raises(ContractError, match=rule):
            _run(planted, again, settings=(band,))
    publication = Lake(again).published(spark)
    assert publication
    assert publication.table_versions == first.versions


@further_run
def test_another_band_is_judged_without_a_search(planted: Fixture, again: str) -> None:
    bands = {"min_files": 1, "default": [0.0, 0.5], "languages": {"Python": [0.25, 0.25]}}
    settings = (f"near_duplicates.removal_bands={json.dumps(bands)}",)
    wider = _run(planted, again, settings=settings)
    assert _taken_over(wider) == [step for step in STEPS if step != "checks"]


@further_run
def test_another_limit_scans_nothing(planted: Fixture, again: str) -> None:
    stricter = _run(planted, again, settings=(LIMIT,))
    assert _taken_over(stricter) == ["list", "fetch", "scan", "licenses"]
    (file,) = explain_target(again, "ada/ships:src/crew.py").files
    assert [reason.rule for reason in file.reasons] == ["avg_line_length"]


@further_run
def test_step_stops_behind_it_and_publishes_nothing(
    planted: Fixture, first: RunOutcome, again: str
) -> None:
    outcome = _run(planted, again, until="fetch")
    assert not outcome.is_published
    assert set(outcome.versions) == {"origins", "contents", "files", "quarantine"}
    with pytest.raises(UsageError, match=r"no step 'fetsch': needed one of list, fetch, scan"):
        _run(planted, again, until="fetsch")


def test_every_rule_catches_its_canaries(first: RunOutcome) -> None:
    assert first.summary
    rows = {row.rule: (row.num_planted, row.num_caught) for row in first.summary.canaries}
    assert rows == {
        "alpha_fraction": (1, 1), "avg_line_length": (1, 1), "binary": (1, 1),
        "contamination": (1, 1), "empty": (1, 1), "exact_duplicate": (5, 5), "license": (1, 1),
        "near_duplicate": (5, 5), "normalized_duplicate": (5, 5), "opt_out": (1, 1),
    }  # fmt: skip
    assert sum(row.num_false_alarms for row in first.summary.canaries) == 0


@further_run
def test_canaries_leave_no_trace_in_what_comes_out(
    planted: Fixture, first: RunOutcome, tmp_path: Path
) -> None:
    without = _run(planted, str(tmp_path / "lake"), settings=("canaries=false",))
    assert without.summary
    assert first.summary
    assert without.summary.canaries == ()
    for shown in ("funnel", "conservation", "languages", "licenses", "sources", "families"):
        assert getattr(without.summary, shown) == getattr(first.summary, shown), shown
    # Folders are named by what went in; what is in them is the same.
    assert sorted(_shard_hashes(without).values()) == sorted(_shard_hashes(first).values())


# Runs that stop, on a lake that goes on


@further_run
def test_contract_that_fails_at_each_table_publishes_nothing(
    planted: Fixture, spark: SparkSession, first: RunOutcome, tmp_path: Path
) -> None:
    """On one new lake, table by table; the run that nothing breaks ends with the same bytes."""
    write, lake, broken = Lake.write, str(tmp_path / "lake"), [""]
    # The two harbours, similar to 0.88, are compared where the limit is near; else no pair is.
    settings = {"similarities": ("near_duplicates.threshold=0.85",)}

    def twice(self: Lake, spark: SparkSession, name: str, df: DataFrame, mode: str) -> WriteResult:
        rows = df.unionByName(df) if name == broken[0] else df
        return write(self, spark, name, rows, mode)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lake, "write", twice)
        for table in TABLES:
            broken[0] = table
            with pytest.raises(ContractError, match=f"table {table} breaks rule .*; nothing was"):
                _run(planted, lake, settings=settings.get(table, ()))
            assert Lake(lake).published(spark) is None
    assert _shard_hashes(_run(planted, lake)) == _shard_hashes(first)


@further_run
def test_scan_goes_on_behind_its_committed_parts(
    planted: Fixture,
    spark: SparkSession,
    first: RunOutcome,
    tables: dict[str, DataFrame],
    tmp_path: Path,
) -> None:
    scan, calls, lake = stackspark.run.steps.scan.scan_contents, [0], str(tmp_path / "lake")

    def interrupted_at_the_third(*arguments: Any) -> DataFrame:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        return scan(*arguments)

    # Fetched in parts, so that there are several data files to cut by.
    settings = ("fetching.part_contents=15",)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stackspark.run.steps.scan, "PART_BYTES", 100_000)
        patch.setattr(stackspark.run.steps.scan, "scan_contents", interrupted_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            _run(planted, lake, settings=settings, until="scan")
        plan = {step.step: step.why for step in plan_recipe(_options(planted, lake)).steps}
        assert re.fullmatch(f"{NEW}; goes on behind [1-9] commits", plan["scan"])
        outcome = _run(planted, lake, settings=settings, until="scan")
    runs = spark.read.format("delta").load(Lake(lake).table_path("runs")).where("step = 'scan'")
    (row,) = runs.collect()
    num_texts = tables["measurements"].count()
    assert 0 < json.loads(row["metrics"])["notes"]["read"]["num_texts"] < num_texts
    measured = Lake(lake).read(spark, "measurements", outcome.versions["measurements"])
    assert measured.exceptAll(tables["measurements"]).count() == 0
    assert measured.count() == num_texts


@pytest.fixture(scope="module")
def growing(first: RunOutcome, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A copy of the first run's lake, to which one more source comes."""
    lake = tmp_path_factory.mktemp("growing") / "lake"
    shutil.copytree(first.lake, lake)
    return str(lake)


@pytest.fixture(scope="module")
def interrupted(planted: Fixture, growing: str) -> str:
    """The lake after a run that was stopped in the middle of its scan."""

    def interrupt(*_: object) -> DataFrame:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stackspark.run.steps.scan, "scan_contents", interrupt)
        with pytest.raises(KeyboardInterrupt):
            _run(planted, growing, sources_file=planted.grown)
    return growing


@further_run
def test_interrupted_run_gives_the_lake_back(
    spark: SparkSession, first: RunOutcome, interrupted: str
) -> None:
    assert not Path(interrupted, "locks", "writer.lock").exists()
    assert not Path(interrupted, "scratch").exists()
    publication = Lake(interrupted).published(spark)
    assert publication
    assert publication.run_id == first.run_id


@pytest.fixture(scope="module")
def refused(planted: Fixture, interrupted: str) -> tuple[str, ContractError]:
    """The lake after a run whose licences had two rows for each file."""
    assign = stackspark.run.steps.licenses.assign_licenses

    def twice(*arguments: Any, **options: Any) -> DataFrame:
        rows = assign(*arguments, **options)
        return rows.unionByName(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stackspark.run.steps.licenses, "assign_licenses", twice)
        with pytest.raises(ContractError) as caught:
            _run(planted, interrupted, sources_file=planted.grown)
    return interrupted, caught.value


@further_run
def test_broken_contract_says_where_and_writes_a_page(refused: tuple[str, ContractError]) -> None:
    lake, error = refused
    assert error.exit_code == 4
    message = str(error)
    assert message.startswith("step licenses: table licenses breaks rule key_unique: ")
    assert "nothing was published; see " in message
    assert "\n" not in message
    page = Path(message.rpartition("see ")[2])
    assert page.parent == Path(lake, "reports")
    assert "key_unique" in page.read_text(encoding="utf-8")


@further_run
def test_broken_contract_leaves_readers_with_the_last_publication(
    spark: SparkSession, first: RunOutcome, refused: tuple[str, ContractError]
) -> None:
    lake, _ = refused
    publication = Lake(lake).published(spark)
    assert publication
    assert (publication.run_id, publication.table_versions) == (first.run_id, first.versions)
    assert len(_file_verdicts(_tables(spark, lake))) == sum(map(len, CAUSES.values()))
    assert validate_tables(lake, "licenses").ok


@pytest.fixture(scope="module")
def grown(planted: Fixture, refused: tuple[str, ContractError]) -> RunOutcome:
    return _run(planted, refused[0], sources_file=planted.grown)


@further_run
def test_grown_run_goes_on_from_the_steps_that_were_recorded(grown: RunOutcome) -> None:
    assert _taken_over(grown) == ["list", "fetch", "scan"]


@further_run
def test_grown_run_scans_only_what_is_new(
    spark: SparkSession, tables: dict[str, DataFrame], grown: RunOutcome
) -> None:
    after = _tables(spark, grown.lake)
    known = tables["measurements"].select("blob_id")
    new = after["measurements"].join(known, "blob_id", how="left_anti").collect()
    assert [row["blob_id"] for row in new] == [hashlib.sha1(CARGO.encode()).hexdigest()]
    runs = spark.read.format("delta").load(Lake(grown.lake).table_path("runs"))
    metrics = [
        json.loads(row["metrics"])
        for row in runs.where("step = 'scan'").orderBy("finished_at").collect()
    ]
    assert [each["notes"]["read"]["num_texts"] for each in metrics][1] == 1
    assert metrics[1]["measurements"]["rows"] == 1


@further_run
def test_grown_run_keeps_the_new_file_and_one_of_the_copies(
    spark: SparkSession, grown: RunOutcome
) -> None:
    rows = {
        (row["repo_name"], row["path"]): row for row in _file_verdicts(_tables(spark, grown.lake))
    }
    assert rows["cat/more", "/cargo.py"]["status"] == "kept"
    ships = [rows["cat/more", "/ship.py"], rows["ada/ships", "/src/ship.py"]]
    assert sorted(str(row["cause"]) for row in ships) == ["None", "exact_duplicate"]


@further_run
def test_run_keeps_what_is_published_and_compares_texts(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Copies with 1 or 15 new words come later, some with a better hash; what was published stays.

    15 words make a similarity of 336 / 471, too near the limit of 0.7 for an estimate. With another
    filter limit these texts are not compared again.
    """
    words = [f"hoist_{number}()" for number in range(400)]
    licence = (DEMO / "planted" / "LICENSE").read_text(encoding="utf-8")
    older = write_files(tmp_path / "older", {"LICENSE": licence, "sail.py": "\n".join(words)})
    copies = {"LICENSE": licence}
    for number, first in ((1, 100), (1, 200), (1, 300), (15, 5), (15, 11), (15, 17)):
        places = {first + 25 * step for step in range(number)}
        changed = [f"furl()\n{word}" if i in places else word for i, word in enumerate(words)]
        copies[f"sail_{number}_{first}.py"] = "\n".join(changed)
    sources = (f"dir:{older}", f"dir:{write_files(tmp_path / 'newer', copies)}")
    lake = str(tmp_path / "lake")
    settings = (
        "near_duplicates.prefer_published=true", "license_texts.detector=built_in",
        "canaries=false",
    )  # fmt: skip
    outcomes = [
        run_recipe(
            RunOptions(
                recipe="default",
                lake=lake,
                quiet=True,
                settings=(*settings, *limit),
                sources=sources[:count],
            )
        )
        for count, limit in ((1, ()), (2, ()), (2, ()), (2, (LIMIT,)))
    ]
    rows = _tables(spark, lake)["near_duplicates"].collect()
    published = hashlib.sha1("\n".join(words).encode()).hexdigest()
    assert {row["kept_blob_id"] for row in rows} == {published}
    assert sorted(row["established_by"] for row in rows) == ["estimated"] * 3 + ["exact"] * 3
    exact = [row["similarity"] for row in rows if row["established_by"] == "exact"]
    assert exact == [pytest.approx(336 / 471)] * 3
    assert min(row["blob_id"] for row in rows) < published
    assert _taken_over(outcomes[2]) == list(STEPS)
    assert _taken_over(outcomes[3]) == ["list", "fetch", "scan", "licenses"]
    assert _read_bytes(outcomes[1])["near_duplicates"] > 0
    assert _read_bytes(outcomes[3])["near_duplicates"] == 0


# What a lake holds


def _leaves(fields: Iterator[pa.Field], prefix: str = "") -> Iterator[tuple[str, pa.DataType]]:
    """Every column by its path, and its type; elements of lists stand for their list."""
    for field in fields:
        kind, name = field.type, prefix + field.name
        while pa.types.is_list(kind) or pa.types.is_large_list(kind):
            kind = kind.value_type
        if pa.types.is_struct(kind):
            yield from _leaves((kind.field(place) for place in range(kind.num_fields)), f"{name}.")
        else:
            yield name, kind


def test_every_file_and_shard_column_of_a_lake_is_declared(first: RunOutcome) -> None:
    assert undeclared_files(first.lake) == []
    for dataset, declared in SHARD_COLUMNS.items():
        shard = next(Path(first.lake, "shards", dataset).rglob("*.parquet"))
        held = {
            name
            for name, kind in _leaves(iter(pq.read_schema(shard)))
            if pa.types.is_string(kind)
            or pa.types.is_large_string(kind)
            or pa.types.is_binary(kind)
        }
        assert held == set(declared), dataset
