"""The command line: every wrong input has one line and one exit code; docs/errors.md lists them."""
# The table has one row a line, however long the line that it asserts.
# ruff: noqa: E501

import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import REPOSITORY
from pyspark.sql import SparkSession

from stackspark import cli
from stackspark.commands import run as commands
from stackspark.lake.lake import MARKER_NAME, Lake
from stackspark.lake.locks import LakeLock

BIN = Path(sys.executable).parent
FILES = {
    "ok.yaml": "extends: default\nname: ok\nsources: [dir:src]\n"
    "license_texts: {detector: built_in}\n",
    "broken.yaml": "name: [ok\n",
    "list.yaml": "- name: ok\n",
    "self.yaml": "extends: sub/../self.yaml\nname: self\n",
    "nameless.yaml": "sources: [dir:src]\n",
    "src/a.py": "a = 1\n",
    "sub/b.txt": "",
    "mapping.yaml": "source: dir:src\n",
    "entry.yaml": "- {source: dir:src, orign: https://example.org/a}\n",
    "kind.yaml": "- {id: a, kind: user, value: b}\n",
    "requests.txt": "",
    "text.jsonl": '{"benchmark": "b", "item_id": "1", "field": "f", "text": "t"}\ntext\n',
    "field.jsonl": '{"benchmark": "b", "item_id": "1", "text": "t"}\n',
    "torn.parquet": "PAR1",
    f"newer/{MARKER_NAME}": '{"lake_format": 99}',
    f"strange/{MARKER_NAME}": "lake",
    f"empty/{MARKER_NAME}": '{"lake_format": 1}',
}

OK = ["run", "ok.yaml"]
SET = [*OK, "--set"]
INPUTS = [
    (["nothere"], 2, r"no such command 'nothere'; see stackspark --help"),
    (["run"], 2, r"recipe default names no sources: say --source KIND:LOCATION or --sources FILE"),
    (["init"], 2, r"missing argument 'source'; see stackspark init --help"),
    (["init", "gti:."], 2, r"a source is one of git:PATH\[@REF\], .*; found 'gti:\.'"),
    (["init", "git:.", "--out", "ok.yaml"], 2, r"init: ok\.yaml is there already; name another with --out"),
    ([*OK, "--nothere"], 2, r"no such option: --nothere; see stackspark run --help"),
    (["near-duplicates", "texts.parquet", "--out", "sub"], 2, r"--out sub is not empty; name a new folder"),
    (["run", "nothere"], 2, r"no recipe 'nothere': needed one of default, demo, stack-v2 or the path of a YAML file"),
    (["run", "src"], 2, r"no recipe 'src': needed .* path of a YAML file"),
    (["run", "broken.yaml"], 2, r"recipe broken\.yaml is not readable YAML: .*line 1.*"),
    (["run", "list.yaml"], 2, r"recipe list\.yaml: needed a mapping of keys, found list"),
    (["run", "self.yaml"], 2, r"recipe \S*self\.yaml extends itself through \S*self\.yaml"),
    (["run", "nameless.yaml"], 2, r"recipe nameless\.yaml: name: a recipe needs this key"),
    (["run", "default"], 2, r"recipe default names no sources: say --source KIND:LOCATION or --sources FILE"),
    ([*SET, "near_duplicates.treshold=0.8"], 2, r"recipe ok\.yaml: unknown key near_duplicates\.treshold; did you mean threshold\?"),
    ([*SET, "filters.long_lines.zzz=1"], 2, r"recipe ok\.yaml: unknown key filters\.long_lines\.zzz; known keys: max_num_lines, .*"),
    ([*SET, "sections.key=1"], 2, r"recipe ok\.yaml: unknown key sections; .*"),
    ([*SET, "name.key=1"], 2, r"--set 'name\.key=1': name is not a section of the recipe"),
    ([*SET, "threshold"], 2, r"--set 'threshold': needed KEY=VALUE, such as near_duplicates\.threshold=0\.8"),
    ([*SET, "exports=[files"], 2, r"--set 'exports=\[files': the value is not YAML"),
    ([*SET, "exports=[parquet]"], 2, r"recipe ok\.yaml: exports\.0: needed 'files', 'documents', 'ids' or 'notices', found 'parquet'"),
    ([*SET, "documents.seed=first"], 2, r"recipe ok\.yaml: documents\.seed: input should be a valid integer, found 'first'"),
    ([*SET, "fetching.max_text_bytes=10 MiBs"], 2, r"recipe ok\.yaml: fetching\.max_text_bytes: needed a size such as 64 MiB \(units: B, .*\), found '10 MiBs'"),
    ([*SET, "near_duplicates.threshold=2.0"], 2, r"recipe ok\.yaml: threshold must be in \(0, 1\], found 2\.0"),
    ([*SET, "near_duplicates.minhash.num_bands=500"], 2, r"recipe ok\.yaml: num_bands \* rows_per_band must be at most num_perm = 1024, found 500 \* 7"),
    ([*SET, "near_duplicates.removal_bands.default=[0.9,0.1]"], 2, r"recipe ok\.yaml: removal_bands\.default: needed two shares from 0 to 1, the lesser one first, found 0\.9, 0\.1"),
    ([*SET, "near_duplicates.removal_bands.languages={json: [0,1]}"], 2, r"recipe ok\.yaml: removal_bands\.languages: Linguist has no language 'json'; did you mean JSON\?"),
    ([*SET, "near_duplicates.removal_bands.sources={'dir:scr': [0,1]}"], 2, r"removal_bands\.sources: there is no source 'dir:scr'; did you mean dir:src\?"),
    ([*OK, "--source", "dir:nowhere"], 3, r"source dir:nowhere: there is no directory \S+/nowhere; check the path"),
    ([*OK, "--source", "git:nowhere@main"], 3, r"source git:nowhere@main: there is no directory .*"),
    ([*OK, "--source", "archive:src/*.zip"], 3, r"source archive:src/\*\.zip: no file matches; check the pattern"),
    ([*OK, "--source", "python-env:src"], 3, r"source python-env:src: needs a virtual environment, .* is none"),
    ([*OK, "--source", "svn:src"], 2, r"a source is one of git:PATH\[@REF\], .*; found 'svn:src'"),
    ([*OK, "--source", "swh:src"], 3, r"source swh:src: needed table origin_visit_status of a Software Heritage graph .*"),
    ([*OK, "--source", "stack-v2-ids:src"], 3, r"source stack-v2-ids:src: needed files \.parquet, found none below \S+/src"),
    ([*OK, "--gharchive", "nowhere"], 3, r"gharchive: there is no file or folder nowhere; check the path"),
    ([*OK, "--sources", "nowhere.yaml"], 3, r"the file of sources nowhere\.yaml cannot be read: .*"),
    ([*OK, "--sources", "mapping.yaml"], 2, r"mapping\.yaml must be a list of sources .*; found dict"),
    ([*OK, "--sources", "entry.yaml"], 2, r"entry\.yaml, entry 1: unknown key orign; known: source, .*"),
    ([*SET, "opt_outs=nowhere.csv"], 3, r"opt-outs nowhere\.csv cannot be read: .*"),
    ([*SET, "opt_outs=kind.yaml"], 3, r"opt-outs kind\.yaml, request 1: needed kind repository, owner, swhid, path, found 'user'"),
    ([*SET, "opt_outs=requests.txt"], 3, r"opt-outs requests\.txt: needed a file \.csv, \.jsonl or \.yaml"),
    ([*SET, "benchmarks.path=nowhere"], 3, r"benchmarks\.path: needed JSONL or Parquet files, found none at nowhere"),
    ([*SET, "benchmarks.path=text.jsonl"], 3, r"benchmarks\.path: text\.jsonl, line 2 is not JSON: Expecting value"),
    ([*SET, "benchmarks.path=field.jsonl"], 3, r"benchmarks\.path: field\.jsonl, line 1 needs benchmark, item_id, field, text; field missing"),
    ([*SET, "benchmarks.path=torn.parquet"], 3, r"benchmarks\.path: torn\.parquet is not readable Parquet: .*"),
    (["step", "fetsch", "--recipe", "ok.yaml"], 2, r"no step 'fetsch': needed one of list, fetch, scan, .*"),
    ([*OK, "--lake", "newer"], 3, r"lake newer has format 99, this stackspark reads up to 1; install a newer stackspark"),
    ([*OK, "--lake", "strange"], 3, r"strange/_stackspark\.json is not a lake's marker; name another folder with --lake"),
    ([*OK, "--lake", "ok.yaml"], 3, r"the lake needs a folder that can be written; ok\.yaml cannot be made: File exists"),
    (["explain", "a:b", "--lake", "newer"], 3, r"lake newer has format 99, .*"),
    (["explain", "a:b", "--lake", "src"], 3, r"src holds no lake; name one with --lake or run a recipe"),
    (["validate", "--lake", "src"], 3, r"src holds no lake; name one with --lake or run a recipe"),
    (["validate", "fils", "--lake", "empty"], 2, r"no table 'fils': needed one of contents, documents, .*"),
    (["validate", "--lake", "s3a://b/l", "--great-expectations", "gx"], 2, r"--great-expectations needs a lake on a disk, found s3a://b/l"),
    (["validate", "files", "--lake", "empty", "--great-expectations", "gx"], 2, r"--great-expectations writes all tables; leave out 'files'"),
    (["validate", "--lake", "empty", "--great-expectations", "src"], 2, r"--great-expectations src: needed a new folder, an empty one or .*; name another"),
    (["report", "--lake", "src"], 3, r"src holds no lake; name one with --lake or run a recipe"),
    (["report", "--lake", "empty"], 3, r"lake empty has no report latest\.json; finish a run first"),
]  # fmt: skip
"""Arguments, exit code and line of what is found before Spark is started."""


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of good and bad inputs to stand in; signals are as before afterwards."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_leave_quietly", lambda code: None)
    before = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


def _call(arguments: list[str]) -> int:
    return cli.exit_code(arguments, "stackspark")


def _last_line(text: str) -> str:
    """The one line of the error, below what a run said of itself before."""
    lines = [line for line in text.splitlines() if not line.startswith(("run 2", "  "))]
    assert len(lines) == 1, text
    assert lines[0].startswith("stackspark: ")
    return lines[0].removeprefix("stackspark: ")


@pytest.mark.parametrize("row", INPUTS, ids=[" ".join(row[0]) for row in INPUTS])
def test_wrong_input_has_one_line_before_spark_starts(
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    row: tuple[list[str], int, str],
) -> None:
    arguments, code, line = row
    monkeypatch.setattr(commands, "_session", lambda *_: pytest.fail("Spark was started"))
    assert _call(arguments) == code
    shown = capsys.readouterr()
    assert re.fullmatch(line, _last_line(shown.err))
    assert shown.out == ""
    assert not (workplace / "lake").exists()


def test_every_line_of_the_table_is_documented() -> None:
    text = REPOSITORY.joinpath("docs", "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `stackspark ([^`]+)` \| (\d+) \| (.*) \|$", text, flags=re.MULTILINE)
    shown = {command: (int(code), message) for command, code, message in rows}
    for arguments, code, pattern in INPUTS:
        said, message = shown[" ".join(arguments)]
        assert said == code
        assert re.fullmatch(pattern, message.replace("\\|", "|")), message


@pytest.mark.integration
@pytest.mark.parametrize("verb", [["explain", "a:b"], ["validate"], ["validate", "files"]])
def test_lake_without_a_published_run(
    spark: SparkSession, workplace: Path, capsys: pytest.CaptureFixture[str], verb: list[str]
) -> None:
    assert _call([*verb, "--lake", "empty"]) == 3
    line = _last_line(capsys.readouterr().err)
    assert line == "lake empty has no published run; finish a run first"


def test_lake_that_another_run_holds(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Lake("lake").create_or_open()
    with LakeLock("lake", "other"):
        assert _call(["run", "ok.yaml"]) == 6
    line = _last_line(capsys.readouterr().err)
    assert re.fullmatch(rf"lake lake is held by run other \(process {os.getpid()} on .*", line)


@pytest.mark.parametrize(
    "row",
    [
        (OSError(errno.ENOSPC, "No space left on device"), 5, r"the disk is full: free space at the lake .*"),
        (PermissionError(errno.EACCES, "Permission denied", "/lake"), 3, r"cannot use /lake: Permission denied .*"),
        (KeyboardInterrupt(), 130, r"interrupted; what was committed stays, run again to go on"),
        (ValueError("of two\nlines"), 1, r"unexpected failure, please report it: ValueError: of two \(details in \S+\)"),
    ],
    ids=["disk full", "no permission", "interrupt", "unexpected"],
)  # fmt: skip
def test_failure_in_the_middle_has_one_line(
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    row: tuple[BaseException, int, str],
) -> None:
    error, code, line = row

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(commands, "_session", fail)
    monkeypatch.setenv("TMPDIR", str(workplace))
    assert _call(["run", "ok.yaml"]) == code
    assert re.fullmatch(line, _last_line(capsys.readouterr().err))
    assert not (workplace / "lake" / "locks" / "writer.lock").exists()


def test_version_is_one_line(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _call(["--version"]) == 0
    assert re.fullmatch(r"stackspark \d+\.\d+\.\d+\n", capsys.readouterr().out)


# Processes of their own


def test_help_is_light(tmp_path: Path) -> None:
    code = (
        "import resource, sys\n"
        "from stackspark.cli import app\n"
        "try:\n    app(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "heavy = {'pyspark', 'great_expectations', 'pandas', 'numpy', 'pyarrow', 'pydantic'}\n"
        "print(used.ru_utime + used.ru_stime, *sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    for verb in ("init", "run", "step", "explain", "report", "validate", "maintain", "doctor"):
        assert re.search(rf"^ *{verb} ", done.stdout, flags=re.MULTILINE)
    seconds, *heavy = done.stderr.split()
    assert heavy == []
    assert float(seconds) < 1


def _environment(**more: str) -> dict[str, str]:
    kept = ("PATH", "HOME", "XDG_CACHE_HOME", "STACKSPARK_CACHE", "STACKSPARK_IVY_SETTINGS")
    return {name: os.environ[name] for name in kept if name in os.environ} | more


def test_wrong_java_has_one_line(workplace: Path) -> None:
    java = workplace / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho '    java.specification.version = 11' >&2\n")
    java.chmod(0o755)
    environment = _environment(STACKSPARK_NO_JAVA_FALLBACK="1")
    done = subprocess.run(
        [BIN / "stackspark", "run", "ok.yaml"],
        env=environment | {"PATH": f"{java.parent}:{environment['PATH']}"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 5
    line = _last_line(done.stderr)
    assert line.startswith("Spark needs Java 17 or 21; found: java on PATH is Java 11; ")
    assert not (workplace / "lake" / "locks" / "writer.lock").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_run_with_one_line(workplace: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [BIN / "stackspark", "run", "ok.yaml", "--master", "local[1]"],
        env=_environment(JAVA_HOME=os.environ.get("JAVA_HOME", "")),
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        # A shell starts what it puts in the background with SIGINT ignored; so might these tests be.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:  # fmt: skip
        assert process.stderr
        first = process.stderr.readline()
        assert first.startswith("run ")
        process.send_signal(number)
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert _last_line(errors) == cli.INTERRUPTED
    assert not (workplace / "lake" / "locks" / "writer.lock").exists()
    assert json.loads((workplace / "lake" / MARKER_NAME).read_text()) == {"lake_format": 1}
