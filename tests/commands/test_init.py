"""The recipe that `init` writes: loads as it is, and with every key that it names uncommented."""

import re
from pathlib import Path

import pytest
import yaml

from stackspark.commands.init import write_recipe
from stackspark.errors import UsageError
from stackspark.recipe.load import load_recipe

SOURCES = ["git:.", 'archive:/srv/it\'s "here"/**/*.whl', "dir:a: b # c"]


def test_the_recipe_loads_with_its_sources(tmp_path: Path) -> None:
    path = write_recipe(tmp_path / "my data.yaml", SOURCES)
    recipe = load_recipe(str(path))
    assert recipe.name == "my-data"
    assert list(recipe.sources) == SOURCES
    assert "3 sources (archive, dir, git)" in recipe.description
    default = load_recipe("default")
    assert (recipe.filters, recipe.near_duplicates) == (default.filters, default.near_duplicates)


def test_every_commented_key_is_one_that_can_be_uncommented(tmp_path: Path) -> None:
    path = write_recipe(tmp_path / "recipe.yaml", SOURCES)
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition("extends:")
    path.write_text(re.sub(r"(?m)^# ?", "", f"extends:{rest}"), encoding="utf-8")
    recipe = load_recipe(str(path))
    assert recipe.benchmarks.path == f"{tmp_path}/benchmarks.jsonl"
    assert recipe.near_duplicates == load_recipe("default").near_duplicates
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"filters", "near_duplicates", "licenses", "opt_outs", "documents"} <= written.keys()
    schema = re.search(r"\$schema=(\S+)", head)
    assert schema
    assert Path(schema[1]).is_file()


@pytest.mark.parametrize(
    ("name", "sources", "message"),
    [
        ("new.yaml", [], "needed sources"),
        ("new.yaml", ["gti:."], r"a source is one of git:PATH.*found 'gti:\.'"),
        ("old.yaml", ["git:."], "is there already; name another with --out"),
        ("none/new.yaml", ["git:."], "cannot be written: No such file"),
    ],
)
def test_what_cannot_be_written_is_refused(
    tmp_path: Path, name: str, sources: list[str], message: str
) -> None:
    (tmp_path / "old.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        write_recipe(tmp_path / name, sources)
    assert (tmp_path / "old.yaml").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "new.yaml").exists()
