"""Examples, links and lists of the pages for users: each holds as it stands on the page.

Every fenced block of `README.md`, `CONTRIBUTING.md`, `CHANGELOG.md` and `docs/` is checked by the
language of its fence, and every command by its program; a block or a program that no check knows
fails. Commands of stackspark are parsed by the command line itself, not run; recipes and files of
inputs are written to disk and read by the code that a run reads them with.
"""

import ast
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
import yaml
from places import REPOSITORY
from typer.core import TyperGroup
from typer.testing import CliRunner

from stackspark.cli import app
from stackspark.decontamination.items import read_benchmarks
from stackspark.errors import StacksparkError
from stackspark.ledger.subjects import GRAINS
from stackspark.opt_outs.requests import opt_out_requests
from stackspark.recipe.load import load_recipe
from stackspark.rules.catalog import RULE_ORDER
from stackspark.rules.causes import cause_words
from stackspark.run.pipeline import STEPS
from stackspark.runtime.package import schemas_folder
from stackspark.sources.base.specs import KINDS, parse_source, read_sources_file, source_entry

DOCS = sorted((REPOSITORY / "docs").rglob("*.md"))
PAGES = [*(REPOSITORY / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG")), *DOCS]
README = REPOSITORY / "README.md"
MAX_README_BYTES = 12_000

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
MARK = re.compile(r"^\s*(?:```|~~~)", flags=re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", flags=re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Example:
    """A fenced block of a page; `line` is that of its first fence."""

    page: Path
    line: int
    language: str
    body: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def examples_of(page: Path) -> Iterator[Example]:
    text = read(page)
    for found in FENCE.finditer(text):
        yield Example(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])


EXAMPLES = [example for page in PAGES for example in examples_of(page)]


def examples_in(*languages: str) -> list[Example]:
    return [example for example in EXAMPLES if example.language in languages]


def commands(example: Example) -> Iterator[list[str]]:
    """Words of each command; a backslash joins lines, a comment is left out.

    ``NAME=$(COMMAND)`` is the command in it.
    """
    for line in example.body.replace("\\\n", " ").splitlines():
        command = re.sub(r"(?:^|\s+)#(?: .*)?$", "", line.removeprefix("$ "))
        assigned = re.fullmatch(r"\w+=\$\((.*)\)", command)
        if words := shlex.split(assigned[1] if assigned else command):
            yield words


COMMANDS = [
    (example, words) for example in examples_in("console", "bash") for words in commands(example)
]


def body_of(name: str) -> str:
    """The one YAML block of all pages that names itself in its first line."""
    named = [each.body for each in examples_in("yaml") if each.body.startswith(f"# {name}\n")]
    assert len(named) == 1, f"{len(named)} blocks begin with # {name}"
    return named[0]


def written(name: str, folder: Path) -> Path:
    path = folder / name
    path.write_text(body_of(name), encoding="utf-8")
    return path


# Every example is looked at


def check_yaml(example: Example, folder: Path) -> None:
    """By its name a list, or a column of a contract; all others are recipes, whole or in part."""
    path = folder / "example.yaml"
    path.write_text(example.body, encoding="utf-8")
    name = example.body.partition("\n")[0]
    if name == "# sources.yaml":
        assert read_sources_file(path)
    elif name == "# opt_outs.yaml":
        assert opt_out_requests(path)
    elif match := re.fullmatch(r"# schemas/(\w+)\.yaml", name):
        contract = yaml.safe_load((schemas_folder() / f"{match[1]}.yaml").read_text("utf-8"))
        (column,) = yaml.safe_load(example.body)
        said = {each["name"]: each for each in contract["schema"][0]["properties"]}[column["name"]]
        assert column.items() <= said.items()
    else:
        if "extends" not in yaml.safe_load(example.body):
            path.write_text(f"extends: default\nname: part\n{example.body}", encoding="utf-8")
        load_recipe(str(path))


def check_python(example: Example, _: Path) -> None:
    """It compiles, and what it imports is there."""
    check_imports(example.body, str(example))


def check_imports(source: str, where: str) -> None:
    tree = ast.parse(source, where)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom):
            module = importlib.import_module(str(node.module))
            missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
            assert not missing, f"{where}: {node.module} has no {', '.join(missing)}"


def check_json(example: Example, folder: Path) -> None:
    path = folder / "benchmarks.jsonl"
    path.write_text(example.body, encoding="utf-8")
    assert read_benchmarks(str(path))


def check_console(example: Example, _: Path) -> None:
    """Commands only; what they print is a block of text of its own."""
    assert all(line.startswith("$ ") for line in example.body.splitlines())


def check_bash(example: Example, _: Path) -> None:
    subprocess.run(["bash", "-n"], input=example.body, text=True, check=True)


def check_text(example: Example, _: Path) -> None:
    """Output, formulas and pictures: no command hides there."""
    assert not re.search(r"^\$ ", example.body, re.MULTILINE)


CHECKS: dict[str, Callable[[Example, Path], None]] = {
    "bash": check_bash,
    "console": check_console,
    "json": check_json,
    "python": check_python,
    "text": check_text,
    "yaml": check_yaml,
}


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_example_is_checked_by_its_language(example: Example, tmp_path: Path) -> None:
    assert example.language in CHECKS, f"{example}: no test looks at {example.language!r}"
    CHECKS[example.language](example, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_fence_escapes(page: Path) -> None:
    """Fences that are indented, of tildes or without an end would be examples that nobody sees."""
    assert len(MARK.findall(read(page))) == 2 * len(list(examples_of(page)))


# Every command is understood


def parse(arguments: list[str]) -> tuple[str, dict[str, object]]:
    """Verb and parameters, as the command line reads them."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    name, *rest = arguments
    command = group.commands[name]
    return name, command.make_context(name, list(rest)).params


def check_stackspark(arguments: list[str], folder: Path) -> None:
    verb, params = parse(arguments)
    for text in params.get("source") or ():
        parse_source(text)
    if params.get("sources"):
        body_of(str(params["sources"]))
    if recipe := params.get("recipe"):
        name = str(recipe)
        path = str(written(name, folder)) if name.endswith(".yaml") else name
        load_recipe(path, params["settings"] or ())
    if verb == "step":
        assert params["name"] in STEPS


def check_spark_submit(arguments: list[str], folder: Path) -> None:
    (job,) = [word for word in arguments if word.startswith("jobs/")]
    assert (REPOSITORY / job).is_file()
    given = arguments[arguments.index(job) + 1 :]
    check_stackspark([Path(job).stem, *given], folder)


def check_python_command(arguments: list[str], folder: Path) -> None:
    match arguments:
        case ["-m", "pip", *rest]:
            check_pip(rest, folder)
        case ["-c", source]:
            run([sys.executable, "-c", source], folder)
        case [script, *_]:
            assert (REPOSITORY / script).is_file()


def check_pip(arguments: list[str], _: Path) -> None:
    """Of this project it installs extras that there are; of others, what is pinned."""
    assert arguments[0] == "install"
    project = tomllib.loads(read(REPOSITORY / "pyproject.toml"))["project"]
    pinned = {line.partition("==")[0] for line in read(REPOSITORY / "constraints.txt").split("\n")}
    options_with_value = {"--target", "-c"}
    rest = iter(arguments[1:])
    for word in rest:
        if word in options_with_value:
            next(rest)
        elif extras := re.fullmatch(r"(?:\.|stackspark)(?:\[(.+)\])?", word):
            names = extras[1].split(",") if extras[1] else []
            assert set(names) <= set(project["optional-dependencies"])
        else:
            assert word in pinned, word


def check_make(arguments: list[str], _: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", read(REPOSITORY / "Makefile"), re.MULTILINE))
    names = [word for word in arguments if "=" not in word]
    assert names
    assert set(names) <= targets


def check_script(name: str) -> Callable[[list[str], Path], None]:
    """A script of this repository whose options it names itself."""

    def check(arguments: list[str], _: Path) -> None:
        script = REPOSITORY / name
        assert os.access(script, os.X_OK)
        options = [word for word in arguments if word.startswith("--")]
        assert not [option for option in options if option not in read(script)]

    return check


def check_submit(arguments: list[str], folder: Path) -> None:
    """The two words after the script are address and image; the rest is for ``jobs/run.py``."""
    assert os.access(REPOSITORY / "infra/kubernetes/submit.sh", os.X_OK)
    check_stackspark(["run", *arguments[2:]], folder)


def check_kubectl(arguments: list[str], _: Path) -> None:
    assert arguments[:2] == ["apply", "-f"]
    assert list(yaml.safe_load_all(read(REPOSITORY / arguments[2])))


def check_airflow(arguments: list[str], folder: Path) -> None:
    assert arguments[:2] == ["dags", "trigger"]
    dag, conf = arguments[2], json.loads(arguments[arguments.index("--conf") + 1])
    assert f'"{dag}"' in read(REPOSITORY / f"infra/airflow/dags/{dag}.py")
    load_recipe(str(written(Path(conf["recipe"]).name, folder)), conf["settings"])


def check_tar(arguments: list[str], folder: Path) -> None:
    (folder / "licenses").mkdir()
    run(["tar", *arguments], folder)


def run(command: list[str], folder: Path) -> None:
    """Run a command in an empty folder; it ends well."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


PROGRAMS: dict[str, Callable[[list[str], Path], None]] = {
    "airflow": check_airflow,
    "infra/kubernetes/submit.sh": check_submit,
    "infra/standalone/start.sh": check_script("infra/standalone/start.sh"),
    "infra/standalone/stop.sh": check_script("infra/standalone/stop.sh"),
    "kubectl": check_kubectl,
    "make": check_make,
    "pip": check_pip,
    "python": check_python_command,
    "spark-submit": check_spark_submit,
    "stackspark": check_stackspark,
    "tar": check_tar,
}


@pytest.mark.parametrize(("example", "words"), COMMANDS, ids=str)
def test_command_is_understood(example: Example, words: list[str], tmp_path: Path) -> None:
    program, *arguments = words
    assert program in PROGRAMS, f"{example}: no test looks at {program}"
    PROGRAMS[program](arguments, tmp_path)


def test_commands_are_found_and_strangers_refused() -> None:
    verbs = {words[1] for _, words in COMMANDS if words[0] == "stackspark"}
    assert verbs == {
        "init", "run", "step", "explain", "report", "validate", "near-duplicates", "maintain",
        "doctor",
    }  # fmt: skip
    assert CliRunner().invoke(app, ["run", "demo", "--no-such-option"]).exit_code == 2


# What the examples say


def test_recipe_of_every_source_loads(tmp_path: Path) -> None:
    recipe = load_recipe(str(written("mine.yaml", tmp_path)))
    assert recipe.fetching.max_text_bytes == 4 << 20
    assert recipe.filters.long_lines.max_line_length == 2000
    assert recipe.filters.long_lines.max_avg_line_length == 100  # from the recipe it extends
    assert recipe.exports == ("files", "ids")
    assert recipe.opt_outs == str(tmp_path / "opt_outs.yaml")
    kinds = {source_entry(item, "here").kind for item in recipe.sources}
    assert kinds == set(KINDS)


def test_every_kind_of_source_has_a_row() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", read(REPOSITORY / "docs/sources.md"), re.MULTILINE)
    assert sorted(SPAN.findall(" ".join(rows))) == sorted(KINDS.values())


def test_file_of_sources_is_read(tmp_path: Path) -> None:
    specs = read_sources_file(written("sources.yaml", tmp_path))
    assert [spec.kind for spec in specs] == ["git", "python-env", "archive"]
    assert specs[1].exclude == ("botocore", "tzdata")
    assert specs[2].visit_date is not None


def test_file_of_opt_outs_is_read(tmp_path: Path) -> None:
    requests = opt_out_requests(written("opt_outs.yaml", tmp_path))
    assert [request.kind for request in requests] == ["repository", "owner", "swhid", "path"]


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two shards that `lake/shards/files/ID` is, from where the test stands."""
    folder = tmp_path / "lake/shards/files/ID"
    folder.mkdir(parents=True)
    configs = []
    for number, language in enumerate(("Python", "C")):
        rows = {"repo_name": ["a/b"], "path": [f"/{number}"], "content": [""]}
        pq.write_table(pa.table(rows | {"language": [language]}), folder / f"{number}.parquet")
        files = [{"split": "train", "path": f"{number}.parquet"}]
        configs.append({"config_name": language, "data_files": files})
    everything = [{"split": "train", "path": "*.parquet"}]
    configs.insert(0, {"config_name": "default", "default": True, "data_files": everything})
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': configs})}---\n")
    shards = [{"path": "0.parquet"}, {"path": "1.parquet"}]
    (folder / "manifest.json").write_text(json.dumps({"shards": shards}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return folder


@pytest.mark.parametrize("call", ["ds.dataset(", "load_dataset("])
def test_example_reads_an_export(call: str, export: Path) -> None:
    (example,) = [each for each in examples_in("python") if call in each.body]
    names: dict[str, object] = {}
    exec(compile(example.body, str(example), "exec"), names)
    python = names["python"]
    assert list(python["path"].to_pylist() if isinstance(python, pa.Table) else python["path"]) == [
        "/0"
    ]


# What the lists say


def test_steps_are_named_in_their_order() -> None:
    text = read(REPOSITORY / "docs/running-again.md")
    named = re.search(r"made of steps \(([^)]*)\)", text)
    assert named
    assert SPAN.findall(named[1]) == list(STEPS)


def test_exit_codes_are_those_of_the_errors() -> None:
    table = {int(code) for code in re.findall(r"^\| (\d+) \|", read(README), re.MULTILINE)}
    raised = {error.exit_code for error in all_errors(StacksparkError)}
    assert table == raised | {0, 130}


def all_errors(base: type[StacksparkError]) -> Iterator[type[StacksparkError]]:
    yield base
    for child in base.__subclasses__():
        yield from all_errors(child)


def rule_rows() -> list[list[str]]:
    """Cells of the table of rules: name, title, what it removes, keys."""
    table = read(REPOSITORY / "docs/rules.md").partition("| rule |")[2].partition("\n\n")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]
    ]


def test_rules_stand_in_their_order_by_their_titles() -> None:
    shown = {row[0].strip("`"): row[1] for row in rule_rows()}
    assert list(shown) == list(RULE_ORDER)
    assert shown == {name: cause_words(name).title for name in RULE_ORDER}


def test_limits_of_rules_are_those_of_the_default_recipe() -> None:
    """A key that is set to the value beside it changes nothing."""
    recipe = load_recipe("default")
    keys = [span for row in rule_rows() for span in SPAN.findall(row[3])]
    assert len(keys) > len(RULE_ORDER) // 2
    for span in keys:
        key, _, value = span.partition(": ")
        attrgetter(key)(recipe)
        if value:
            assert load_recipe("default", [f"{key}={value}"]) == recipe, span


def test_glossary_gives_each_word_one_meaning() -> None:
    text = read(REPOSITORY / "docs/glossary.md")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    meanings = {word: meaning for word, meaning in rows if word != "word" and "---" not in word}
    words = Counter(word for word, _ in rows if word in meanings)
    assert words["origin"] == 1
    assert [word for word, count in words.items() if count > 1] == []
    assert [word for word, meaning in meanings.items() if len(meaning) > 300] == []
    assert set(SPAN.findall(meanings["grain"])) == set(GRAINS)


# Sizes, links and paths


def test_readme_is_short() -> None:
    assert len(README.read_bytes()) <= MAX_README_BYTES


def test_readme_leads_to_every_page() -> None:
    linked = {target.partition("#")[0] for target in LINK.findall(read(README))}
    assert {page.relative_to(REPOSITORY).as_posix() for page in DOCS} <= linked


def anchors(page: Path) -> set[str]:
    """Fragments that GitHub gives to the headings of a page."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in HEADING.findall(FENCE.sub("", read(page))):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


@pytest.mark.parametrize(
    "page", [*PAGES, REPOSITORY / "benchmarks/README.md"], ids=lambda page: page.name
)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", read(page))):
        if "://" in link:
            continue
        path, _, fragment = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not fragment or fragment in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_in_code_spans_exist(page: Path) -> None:
    spans = re.findall(r"`((?:stackspark|tests|schemas|jobs|docs|infra)/[^`\s<]+)`", read(page))
    missing = [span for span in spans if not any(REPOSITORY.glob(span.rstrip("/")))]
    assert not missing, missing


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "errors.md"], ids=lambda page: page.name
)
def test_verbs_in_code_spans_exist(page: Path) -> None:
    """`errors.md` has commands that are wrong on purpose, which `test_cli.py` holds."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for span in SPAN.findall(FENCE.sub("", read(page))):
        program, _, rest = span.partition(" ")
        if program == "stackspark" and rest:
            assert rest.split()[0] in group.commands, span


def test_picture_is_small() -> None:
    pictures = list((REPOSITORY / "docs/images").iterdir())
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < 300_000, picture.name
        assert f"docs/images/{picture.name}" in read(README)
