"""The schema of recipes: as the parameters are now, takes every recipe here, refuses slips."""

import json
import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from make_recipe_schema import PATH, schema_text
from places import REPOSITORY

from stackspark.recipe.load import BUILT_IN, built_in_recipes

SCHEMA: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))


def _slips(recipe: dict[str, Any]) -> list[str]:
    return [error.json_path for error in Draft202012Validator(SCHEMA).iter_errors(recipe)]


def test_the_file_is_what_the_parameters_say() -> None:
    assert PATH.read_text(encoding="utf-8") == schema_text(), "run `make schema`"


@pytest.mark.parametrize("name", built_in_recipes())
def test_built_in_recipes_keep_the_schema(name: str) -> None:
    assert _slips(yaml.safe_load((BUILT_IN / f"{name}.yaml").read_text(encoding="utf-8"))) == []


def test_the_recipe_of_the_documentation_keeps_the_schema() -> None:
    text = (REPOSITORY / "docs" / "recipe.md").read_text(encoding="utf-8")
    (example,) = re.findall(
        r"```yaml\n(# mine.yaml\n# yaml-language-server.*?)```", text, re.DOTALL
    )
    recipe = yaml.safe_load(example)
    # YAML reads dates, JSON has none; an editor sees the text.
    recipe = json.loads(json.dumps(recipe, default=str))
    assert _slips(recipe) == []
    assert recipe["extends"] == "default"


def test_every_key_is_described() -> None:
    sections = {"Recipe": SCHEMA, **SCHEMA["$defs"]}
    assert [
        f"{section}.{key}"
        for section, schema in sections.items()
        for key, value in schema["properties"].items()
        if "description" not in value and "$ref" not in value
    ] == []


@pytest.mark.parametrize(
    ("recipe", "path"),
    [
        ({}, "$"),
        ({"description": "Without a name."}, "$"),
        ({"name": 7}, "$.name"),
        ({"name": "own", "near_duplicate": {}}, "$"),
        ({"name": "own", "near_duplicates": {"treshold": 0.8}}, "$.near_duplicates"),
        ({"name": "own", "near_duplicates": {"scope": "world"}}, "$.near_duplicates.scope"),
        ({"name": "own", "licenses": {"policy": "furthest"}}, "$.licenses.policy"),
        ({"name": "own", "license_texts": {"detector": "askalono"}}, "$.license_texts.detector"),
        (
            {"name": "own", "filters": {"licenses": {"lineage": "keep"}}},
            "$.filters.licenses.lineage",
        ),
        ({"name": "own", "keep_order": {"criteria": ["licence"]}}, "$.keep_order.criteria[0]"),
        ({"name": "own", "exports": ["shards"]}, "$.exports[0]"),
        ({"name": "own", "fetching": {"max_text_bytes": "4 MiBs"}}, "$.fetching.max_text_bytes"),
        ({"name": "own", "sources": [{"origin": "https://example.org"}]}, "$.sources[0]"),
        ({"name": "own", "sources": [{"source": "dir:a", "branch": "b"}]}, "$.sources[0]"),
    ],
)
def test_slips_are_refused_where_they_are(recipe: dict[str, Any], path: str) -> None:
    assert _slips(recipe) == [path]
