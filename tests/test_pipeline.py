"""What only a whole run can show: causes, resumed and grown runs, broken rules, equal bytes."""

import hashlib
import json
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession

import stackspark.pipeline
from stackspark import cli, commands
from stackspark.commands import RunOptions, RunOutcome, explain_target, run_recipe, validate_tables
from stackspark.errors import ContractError, UsageError
from stackspark.governance.explanation import Explanation
from stackspark.io.lake import Lake
from stackspark.judging import representatives, resolved, without_duplicates
from stackspark.stages.finalize_verdicts import finalize_verdicts
from stackspark.stages.select_representatives import SelectRepresentativesParams

further_run = pytest.mark.integration
"""For runs beyond the first one and its repetition: each takes minutes."""

DEMO = Path(commands.__file__).parent / "recipes" / "demo"
STEPS = ("list", "fetch", "scan", "licenses", "verdicts", "rates", "documents", "export")
LIMIT = "filters.long_lines.max_avg_line_length=35"

SHIP = '''"""Ships and where they are bound."""


def heading(ship, port):
    """Degrees from north, clockwise, from the ship to its port."""
    east, north = port.east - ship.east, port.north - ship.north
    return math.degrees(math.atan2(east, north)) % 360


def hours(ship, port, knots):
    """Hours that the passage takes at a speed, without wind or tide."""
    miles = math.hypot(port.east - ship.east, port.north - ship.north)
    return miles / knots
'''
CREW = '''"""The watch list: who is on deck at which hour of the day."""

WATCHES = ("first", "middle", "morning", "forenoon", "afternoon", "dog")


def on_deck(crew, hour):
    """Every third sailor stands the watch that the hour belongs to."""
    watch = hour // 4 % len(WATCHES)
    return [sailor for place, sailor in enumerate(crew) if place % 3 == watch % 3]
'''
CARGO = '''"""Cargo and how it is stowed, heavy pieces low and amidships."""


def stow(pieces, holds):
    """Fill the holds from the lowest, each with the heaviest piece that still fits."""
    for piece in sorted(pieces, key=lambda piece: -piece.tonnes):
        hold = next(hold for hold in holds if hold.free_tonnes >= piece.tonnes)
        hold.load(piece)
    return holds
'''

CAUSES = {
    "ada/ships": {
        "/LICENSE": "text_file_name",
        "/src/ship.py": None,
        "/src/crew.py": None,
        "/latest.py": "not_a_file",
    },
    "bob/planted": {
        "/LICENSE": "text_file_name",
        "/copyleft/rigging.c": "license",
        "/data/anchor.bin": "binary",
        "/data/chart_bundle.js": "avg_line_length",
        "/data/flag.py": "encoded_fraction",
        "/generated/tides_table.py": "generated_marker",
        "/private/diary.md": "opt_out",
        "/src/harbour.py": None,
        "/src/harbour_again.py": "exact_duplicate",
        "/src/harbour_copy.py": "near_duplicate",
        "/src/leaked_solution.py": "contamination",
    },
    "reef@1.0": {
        "/reef-1.0/LICENSE": "text_file_name",
        "/reef-1.0/crew.py": "exact_duplicate",
        "/reef-1.0/empty.py": "empty",
    },
}
"""Repository, path and cause of each planted file; None: kept."""


@dataclass(frozen=True)
class Fixture:
    """A recipe over small sources, and a second list of sources with one more."""

    recipe: str
    grown: Path


def _write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def _repository(folder: Path, files: Mapping[str, str]) -> None:
    _write(folder, files)
    (folder / "latest.py").symlink_to("src/ship.py")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "Sail"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def _archive(folder: Path, files: Mapping[str, str]) -> None:
    _write(folder / "reef-1.0", files)
    with tarfile.open(folder / "reef-1.0.tar.gz", "w:gz") as archive:
        archive.add(folder / "reef-1.0", "reef-1.0")
    whole = (folder / "reef-1.0.tar.gz").read_bytes()
    (folder / "torn-1.0.tar.gz").write_bytes(whole[: len(whole) // 2])


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    root = tmp_path_factory.mktemp("planted")
    licence = (DEMO / "planted" / "LICENSE").read_text(encoding="utf-8")
    _repository(root / "ships", {"LICENSE": licence, "src/ship.py": SHIP, "src/crew.py": CREW})
    _archive(root / "archives", {"LICENSE": licence, "crew.py": CREW, "empty.py": ""})
    _write(root / "gone", {"secret.py": CARGO})
    _write(root / "more", {"cargo.py": CARGO, "ship.py": SHIP})
    sources: list[Any] = [
        {"source": f"git:{root}/ships", "origin": "https://example.org/ada/ships"},
        {"source": f"dir:{DEMO}/planted", "origin": "https://example.org/bob/planted"},
        f"archive:{root}/archives/*.tar.gz",
        {"source": f"dir:{root}/gone", "origin": "https://example.org/eve/gone"},
    ]
    requests = [
        {"id": "request-1", "kind": "repository", "value": "eve/gone"},
        {"id": "request-2", "kind": "path", "repository": "bob/planted", "value": "/private/*"},
    ]
    more = [{"source": f"dir:{root}/more", "origin": "https://example.org/cat/more"}]
    recipe = {
        "extends": "default",
        "name": "planted",
        "license_texts": {"detector": "built_in"},
        "sources": sources,
        "opt_outs": str(root / "requests.yaml"),
        "benchmarks": {"path": str(DEMO / "benchmarks.jsonl")},
    }
    documents = {"recipe": recipe, "requests": requests, "grown": [*sources, *more]}
    _write(root, {f"{name}.yaml": yaml.safe_dump(value) for name, value in documents.items()})
    return Fixture(recipe=str(root / "recipe.yaml"), grown=root / "grown.yaml")


@contextmanager
def _settings(spark: SparkSession, **settings: str) -> Iterator[None]:
    names = {"partitions": "spark.sql.shuffle.partitions", "adaptive": "spark.sql.adaptive.enabled"}
    before = {names[name]: spark.conf.get(names[name]) for name in settings}
    for name, value in settings.items():
        spark.conf.set(names[name], value)
    yield
    for name, value in before.items():
        spark.conf.set(name, value)


def _run(planted: Fixture, lake: str, **options: Any) -> RunOutcome:
    return run_recipe(RunOptions(recipe=planted.recipe, lake=lake, quiet=True, **options))


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
    """Every file's fate, from the published tables alone."""
    verdicts = resolved(tables, without_duplicates(tables["ledger"]))
    chosen = representatives(tables, SelectRepresentativesParams())
    final = finalize_verdicts(verdicts, chosen, tables["near_duplicates"])
    names = tables["origins"].select("directory_id", "repo_name")
    rows = final.join(names, "directory_id", how="inner").collect()
    return [row.asDict() for row in rows]


def _shard_hashes(outcome: RunOutcome) -> dict[str, str]:
    """SHA-256 of every shard on disk."""
    root = Path(outcome.lake, "shards")
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*.parquet"))
    }


def _taken_over(outcome: RunOutcome) -> list[str]:
    assert outcome.summary
    assert tuple(timing.stage for timing in outcome.summary.timings) == STEPS
    return [timing.stage for timing in outcome.summary.timings if timing.is_taken_over]


# One run


def test_run_gives_every_planted_file_its_cause(tables: dict[str, DataFrame]) -> None:
    found: dict[str, dict[str, str | None]] = {}
    for row in _file_verdicts(tables):
        assert (row["status"] == "kept") == (row["cause"] is None)
        found.setdefault(row["repo_name"], {})[row["path"]] = row["cause"]
    assert found == CAUSES


def test_run_conserves_containers_files_documents_and_exports(first: RunOutcome) -> None:
    assert first.summary
    rows = {row.stage: row for row in first.summary.conservation}
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
        "stackspark: step rates: table near_duplicates breaks rule removal_rates_in_bands: "
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
    assert [(row["step"], row["table_versions"]) for row in failed] == [("rates", {})]


@further_run
def test_another_band_is_judged_without_a_search(planted: Fixture, again: str) -> None:
    bands = {"min_files": 1, "default": [0.0, 0.5], "languages": {"Python": [0.25, 0.25]}}
    settings = (f"near_duplicates.removal_bands={json.dumps(bands)}",)
    wider = _run(planted, again, settings=settings)
    assert _taken_over(wider) == [step for step in STEPS if step != "rates"]


@further_run
def test_another_limit_scans_nothing(planted: Fixture, again: str) -> None:
    stricter = _run(planted, again, settings=(LIMIT,))
    assert _taken_over(stricter) == ["list", "fetch", "scan", "licenses"]
    (file,) = explain_target(again, "ada/ships:src/crew.py").files
    assert [reason.rule for reason in file.reasons] == ["avg_line_length"]


@further_run
def test_stage_stops_after_a_step_and_publishes_nothing(
    planted: Fixture, first: RunOutcome, again: str
) -> None:
    outcome = _run(planted, again, until="fetch")
    assert not outcome.is_published
    assert set(outcome.versions) == {"origins", "contents", "files", "quarantine"}
    with pytest.raises(UsageError, match=r"no stage 'fetsch': needed one of list, fetch, scan"):
        _run(planted, again, until="fetsch")


# Runs that stop, on a lake that goes on


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
        patch.setattr(stackspark.pipeline, "scan_contents", interrupt)
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
    assign = stackspark.pipeline.assign_licenses

    def twice(*arguments: Any) -> DataFrame:
        rows = assign(*arguments)
        return rows.unionByName(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stackspark.pipeline, "assign_licenses", twice)
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

    15 words make a similarity of 336 / 471, too near the limit of 0.7 for an estimate.
    """
    words = [f"hoist_{number}()" for number in range(400)]
    licence = (DEMO / "planted" / "LICENSE").read_text(encoding="utf-8")
    older = _write(tmp_path / "older", {"LICENSE": licence, "sail.py": "\n".join(words)})
    copies = {"LICENSE": licence}
    for number, first in ((1, 100), (1, 200), (1, 300), (15, 5), (15, 11), (15, 17)):
        places = {first + 25 * step for step in range(number)}
        changed = [f"furl()\n{word}" if i in places else word for i, word in enumerate(words)]
        copies[f"sail_{number}_{first}.py"] = "\n".join(changed)
    sources = (f"dir:{older}", f"dir:{_write(tmp_path / 'newer', copies)}")
    lake = str(tmp_path / "lake")
    settings = ("near_duplicates.prefer_published=true", "license_texts.detector=built_in")
    outcomes = [
        run_recipe(
            RunOptions(
                recipe="default", lake=lake, quiet=True, settings=settings, sources=sources[:count]
            )
        )
        for count in (1, 2, 2)
    ]
    rows = _tables(spark, lake)["near_duplicates"].collect()
    published = hashlib.sha1("\n".join(words).encode()).hexdigest()
    assert {row["kept_blob_id"] for row in rows} == {published}
    assert sorted(row["established_by"] for row in rows) == ["estimated"] * 3 + ["exact"] * 3
    exact = [row["similarity"] for row in rows if row["established_by"] == "exact"]
    assert exact == [pytest.approx(336 / 471)] * 3
    assert min(row["blob_id"] for row in rows) < published
    assert _taken_over(outcomes[2]) == list(STEPS)
