"""Recipes: every built-in one loads, every key counts, every wrong value is named."""

import dataclasses
import re
import typing
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from make_recipe_schema import recipe_schema

from stackspark.errors import RecipeError, UsageError
from stackspark.recipe.load import BUILT_IN, built_in_recipes, load_recipe
from stackspark.recipe.model import Recipe
from stackspark.runtime.sizes import UNITS

SCHEMA = recipe_schema()
CHOICES: dict[str, Any] = {
    "sources": ["dir:elsewhere"],
    "opt_outs": "requests.csv",
    "benchmarks.path": "items.jsonl",
    "exports": ["ids"],
    "license_texts.detector": "built_in",
    "licenses.policy": "union",
    "licenses.conflicts": "metadata",
    "filters.licenses.kept_types": ["permissive"],
    "filters.licenses.lineage": "remove",
    "keep_order.criteria": ["stars", "oldest_revision"],
    "near_duplicates.scope": "corpus",
    "near_duplicates.verification": "estimate",
    "near_duplicates.rule": "components",
    "near_duplicates.minhash.scheme": "stack-v2",
    "near_duplicates.minhash.num_perm": 2048,
    "near_duplicates.minhash.num_bands": 20,
    "near_duplicates.minhash.rows_per_band": 5,
    "near_duplicates.removal_bands.default": [0.1, 0.5],
    "near_duplicates.removal_bands.languages": {"JSON": [0.0, 0.9]},
    "near_duplicates.removal_bands.sources": {"git:.": [0.0, 0.9]},
    "filters.languages.excluded_pairs": [["py", "Python"]],
    "documents.metadata_fraction": 0.25,
}
"""Other values of the keys for which "one more" will not do."""


def _keys(kind: type = Recipe, prefix: str = "") -> list[str]:
    """Dotted names of every key of a recipe."""
    hints = typing.get_type_hints(kind)
    keys = []
    for field in dataclasses.fields(kind):
        section = hints[field.name]
        if dataclasses.is_dataclass(section):
            keys += _keys(typing.cast(type, section), f"{prefix}{field.name}.")
        else:
            keys.append(prefix + field.name)
    return keys


def _value(recipe: Recipe, key: str) -> Any:
    value: Any = recipe
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _other(key: str, value: Any) -> Any:
    if key in CHOICES:
        return CHOICES[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return ["one", "other"]
    if isinstance(value, str):
        return f"{value} other"
    return (value / 2 or 1.0) if isinstance(value, float) else value + 1


def _recipe(folder: Path, **values: Any) -> str:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({"name": "own", **values}), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", built_in_recipes())
def test_load_recipe_reads_every_recipe_of_the_package(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description.endswith(".")


def test_recipe_default_is_what_the_steps_document() -> None:
    written = yaml.safe_load((BUILT_IN / "default.yaml").read_text(encoding="utf-8"))
    named = {"name": written["name"], "description": written["description"]}
    assert load_recipe("default") == Recipe(**named)


def test_recipe_stack_v2_differs_in_licences_and_bands_alone() -> None:
    default, original = load_recipe("default"), load_recipe("stack-v2")
    changed = {key for key in _keys() if _value(default, key) != _value(original, key)}
    assert changed == {
        "name", "description", "licenses.policy",
        "near_duplicates.minhash.num_bands", "near_duplicates.minhash.rows_per_band",
    }  # fmt: skip


@pytest.mark.parametrize("key", _keys())
def test_every_key_changes_what_is_loaded(tmp_path: Path, key: str) -> None:
    before = load_recipe("default")
    other = _other(key, _value(before, key))
    after = load_recipe("default", [f"{key}={yaml.safe_dump(other, default_flow_style=True)}"])
    assert _value(after, key) != _value(before, key)
    assert [name for name in _keys() if _value(after, name) != _value(before, name)] == [key]
    *sections, last = key.split(".")
    document: Any = {last: other}
    for section in reversed(sections):
        document = {section: document}
    own = load_recipe(_recipe(tmp_path, extends="default", **document))
    assert _value(own, key) == _value(after, key)
    Draft202012Validator(SCHEMA).validate({"extends": "default", **document})


@pytest.mark.parametrize(
    ("text", "num_bytes"),
    [
        ("7", 7),
        ("7 B", 7),
        ("2KB", 2_000),
        ("2 KiB", 2_048),
        ("1.5 MiB", 1_572_864),
        ("1 MB", 1_000_000),
        (" 3 GiB ", 3 << 30),
        ("1 TB", 10**12),
        ("1 TiB", 1 << 40),
    ],
)
def test_bytes_take_units(text: str, num_bytes: int) -> None:
    recipe = load_recipe("default", [f"fetching.max_text_bytes={text}"])
    assert recipe.fetching.max_text_bytes == num_bytes


@pytest.mark.parametrize("text", ["10 MiBs", "MiB", "ten MiB", "-1 MiB", "1 mib", "1,5 MiB", "1 k"])
def test_bytes_refuse_other_units(text: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("default", [f"fetching.max_text_bytes={text}"])
    assert f"found '{text}'" in str(caught.value)
    assert all(unit in str(caught.value) for unit in UNITS)


@pytest.mark.parametrize(
    "setting",
    [
        "near_duplicates.max_rounds=true",
        "near_duplicates.max_rounds=2.5",
        "near_duplicates.removal_bands.min_files=0",
        "near_duplicates.removal_bands.default=0.7",
        "near_duplicates.removal_bands.default=[0.7]",
        "near_duplicates.removal_bands.default=[0.7, 0.1]",
        "near_duplicates.removal_bands.default=[0, .nan]",
        "near_duplicates.removal_bands.languages={Pyton: [0, 1]}",
        "near_duplicates.removal_bands.sources={'git:.': [0, 1.5]}",
        "near_duplicates.threshold=.nan",
        "near_duplicates.threshold=.inf",
        "filters.languages.keeps_unknown=1",
        "name=7",
        "exports=files",
        "filters=none",
        "fetching.max_text_bytes=0",
        "licenses.policy=furthest",
        "licenses.conflicts=newest",
        "license_texts.detector=askalono",
        "filters.licenses.lineage=keep",
        "filters.licenses.kept_types=[permisive]",
        "near_duplicates.rule=component",
        "near_duplicates.scope=galaxy",
        "near_duplicates.verification=guess",
        "near_duplicates.minhash.scheme=stack",
        "keep_order.criteria=[star]",
        "keep_order.criteria=[stars, forks, stars]",
        "keep_order.criteria=[newest_revision, stars, oldest_revision]",
        "keep_order.criteria=stars",
        "keep_order.prefer_whole_repositories=1",
    ],
)
def test_wrong_types_and_values_are_refused(setting: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_recipe("default", [setting])
    assert "\n" not in str(caught.value)
    assert setting.partition("=")[0].rpartition(".")[2] in str(caught.value)


def test_the_measurement_of_the_original_can_be_chosen() -> None:
    """As the recipe's comment has it."""
    text = (BUILT_IN / "stack-v2.yaml").read_text(encoding="utf-8")
    settings = re.findall(r"--set near_duplicates\.(\S+)", text)
    near = load_recipe("stack-v2", [f"near_duplicates.{s}" for s in settings]).near_duplicates
    assert near.rule == "components"
    assert near.minhash.version.startswith("stack-v2-1/")
    assert near.minhash.version.endswith("ngram5/min5/prime32-seed42/250x2bit/25x10")


def test_a_setting_goes_over_the_recipe_and_the_last_one_counts() -> None:
    settings = ["near_duplicates.threshold=0.8", "near_duplicates.threshold=0.9"]
    recipe = load_recipe("stack-v2", settings)
    assert recipe.near_duplicates.threshold == 0.9
    assert recipe.near_duplicates.minhash.num_bands == 25


def test_a_recipe_extends_its_neighbour_and_merges_sections(tmp_path: Path) -> None:
    base = {"extends": "default", "name": "base", "documents": {"seed": 7}}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(base), encoding="utf-8")
    path = _recipe(tmp_path, extends="base.yaml", documents={"metadata_fraction": 0.25})
    recipe = load_recipe(path)
    assert (recipe.name, recipe.documents.seed, recipe.documents.metadata_fraction) == (
        "own", 7, 0.25,
    )  # fmt: skip


def test_a_recipe_names_files_beside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _recipe(tmp_path, opt_outs="{recipe_folder}/requests.csv")
    monkeypatch.chdir(tmp_path)
    assert load_recipe("recipe.yaml").opt_outs == str(tmp_path / "requests.csv")


def test_bands_are_merged_and_name_sources_beside_the_recipe(tmp_path: Path) -> None:
    sources = {"dir:{recipe_folder}/src": [0, 0.9]}
    (tmp_path / "base.yaml").write_text(
        "name: base\nnear_duplicates: {removal_bands: {languages: {C: [0, 0.5], Go: [0, 1]}}}\n",
        encoding="utf-8",
    )
    bands = {"languages": {"C": [0.1, 0.6]}, "sources": sources}
    path = _recipe(tmp_path, extends="base.yaml", near_duplicates={"removal_bands": bands})
    loaded = load_recipe(path).near_duplicates.removal_bands
    assert loaded.languages == {"C": (0.1, 0.6), "Go": (0.0, 1.0)}
    assert loaded.sources == {f"dir:{tmp_path}/src": (0.0, 0.9)}


def test_recipes_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    for name, parent in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.yaml").write_text(f"extends: {parent}.yaml\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"extends itself through \S*c\.yaml"):
        load_recipe(str(tmp_path / "a.yaml"))
