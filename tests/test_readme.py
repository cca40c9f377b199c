"""What the pages tell a reader to type, open or write exists as they say it.

Commands are parsed against the command line itself, not run; recipes and files of inputs are
written to disk and read by the code that a run reads them with.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml
from places import REPOSITORY
from typer.core import TyperGroup
from typer.testing import CliRunner

from stackspark.cli import app
from stackspark.decontamination.items import read_benchmarks
from stackspark.errors import StacksparkError
from stackspark.opt_outs.requests import opt_out_requests
from stackspark.recipe.load import load_recipe
from stackspark.rules.catalog import RULE_ORDER
from stackspark.run.pipeline import STEPS
from stackspark.sources.base.specs import KINDS, parse_source, read_sources_file, source_entry

PAGES = [
    REPOSITORY / name
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/architecture.md",
        "docs/operations.md",
        "docs/sizing.md",
    )
]
README = PAGES[0].read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def blocks(page: str, *languages: str) -> list[str]:
    """Bodies of the fenced blocks in some languages."""
    return [body for language, body in FENCE.findall(page) if language in languages]


def commands(page: str) -> Iterator[list[str]]:
    """Words of each command; a backslash joins lines, a comment is left out."""
    for body in blocks(page, "bash", "console", ""):
        for line in body.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words:
                yield words


def arguments_of_stackspark() -> list[list[str]]:
    """Arguments of every call of the command line, `spark-submit jobs/run.py` among them."""
    found = []
    for page in PAGES:
        for words in commands(page.read_text(encoding="utf-8")):
            if words[0] == "stackspark":
                found.append(words[1:])
            elif words[0] == "spark-submit" and "jobs/run.py" in words:
                found.append(["run", *words[words.index("jobs/run.py") + 1 :]])
    return found


def parse(arguments: list[str]) -> tuple[str, dict[str, object]]:
    """Verb and parameters, as the command line reads them."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    name, *rest = arguments
    command = group.commands[name]
    return name, command.make_context(name, list(rest)).params


@pytest.mark.parametrize("arguments", arguments_of_stackspark(), ids=" ".join)
def test_command_is_understood(arguments: list[str], tmp_path: Path) -> None:
    verb, params = parse(arguments)
    for text in params.get("source") or ():
        parse_source(text)
    if params.get("settings"):
        recipe = written("mine.yaml", tmp_path)
        load_recipe(str(recipe), params["settings"])
    if verb == "stage":
        assert params["name"] in STEPS


def test_commands_are_found_and_strangers_refused() -> None:
    verbs = {arguments[0] for arguments in arguments_of_stackspark()}
    assert verbs == {
        "run", "stage", "explain", "report", "validate", "near-duplicates", "maintain", "doctor",
    }  # fmt: skip
    assert CliRunner().invoke(app, ["run", "demo", "--no-such-option"]).exit_code == 2


def test_steps_are_named_in_their_order() -> None:
    named = re.search(r"Steps \(([^)]*)\)", README)
    assert named
    assert re.findall(r"`(\w+)`", named[1]) == list(STEPS)


def test_makefile_has_the_targets() -> None:
    targets = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for words in commands(page.read_text(encoding="utf-8")):
            assert words[0] != "make" or words[1] in targets, words


def written(name: str, folder: Path) -> Path:
    """Write the block of the README that names itself, and what it refers to."""
    named = [body for body in blocks(README, "yaml") if body.startswith(f"# {name}\n")]
    assert len(named) == 1, f"README.md has {len(named)} blocks that begin with # {name}"
    path = folder / name
    path.write_text(named[0], encoding="utf-8")
    return path


def test_recipe_of_the_readme_loads(tmp_path: Path) -> None:
    recipe = load_recipe(str(written("mine.yaml", tmp_path)))
    assert recipe.fetching.max_text_bytes == 4 << 20
    assert recipe.filters.long_lines.max_line_length == 2000
    assert recipe.filters.long_lines.max_avg_line_length == 100  # from the recipe it extends
    assert recipe.exports == ("files", "ids")
    assert recipe.opt_outs == str(tmp_path / "opt_outs.yaml")
    kinds = {source_entry(item, "here").kind for item in recipe.sources}
    assert kinds == set(KINDS)


def test_file_of_sources_is_read(tmp_path: Path) -> None:
    specs = read_sources_file(written("sources.yaml", tmp_path))
    assert [spec.kind for spec in specs] == ["git", "python-env", "archive"]
    assert specs[1].exclude == ("botocore", "tzdata")
    assert specs[2].visit_date is not None


def test_file_of_opt_outs_is_read(tmp_path: Path) -> None:
    requests = opt_out_requests(written("opt_outs.yaml", tmp_path))
    assert [request.kind for request in requests] == ["repository", "owner", "swhid", "path"]


def test_benchmarks_are_read(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.jsonl"
    path.write_text("".join(blocks(README, "json")), encoding="utf-8")
    (item,) = read_benchmarks(str(path))
    assert item.benchmark == "our-eval"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_snippets_are_python_and_yaml(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for body in blocks(text, "python"):
        compile(body, str(page), "exec")
    for body in blocks(text, "yaml"):
        yaml.safe_load(body)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing, missing


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_paths_in_tables_exist(page: Path) -> None:
    """The pages for contributors name files in code spans."""
    spans = re.findall(
        r"`((?:stackspark|tests|schemas|jobs|docs)/[^`\s<]+)`", page.read_text("utf-8")
    )
    missing = [span for span in spans if not any(REPOSITORY.glob(span.rstrip("/")))]
    assert not missing, missing


def test_every_rule_stands_beside_its_files() -> None:
    text = PAGES[1].read_text(encoding="utf-8")
    table = text.partition("| rule | file below `stackspark/` |")[2].partition("\n\n")[0]
    rules = [name for row in table.splitlines() for name in re.findall("`(\\w+)`", row)]
    assert sorted(rules) == sorted(RULE_ORDER)
    files = re.findall(r"`([\w/]+\.py)`", table)
    assert not [name for name in files if not (REPOSITORY / "stackspark" / name).is_file()]


def test_exit_codes_are_those_of_the_errors() -> None:
    table = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    raised = {error.exit_code for error in all_errors(StacksparkError)}
    assert table == raised | {0, 130}


def all_errors(base: type[StacksparkError]) -> Iterator[type[StacksparkError]]:
    yield base
    for child in base.__subclasses__():
        yield from all_errors(child)


def test_picture_is_small() -> None:
    pictures = list((REPOSITORY / "docs/images").iterdir())
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < 300_000, picture.name
        assert f"docs/images/{picture.name}" in README
