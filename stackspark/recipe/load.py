"""Recipes: one YAML file per dataset, checked and turned into the parameters of every step.

A recipe's sections are the frozen `Params` of the steps themselves, so that a parameter is
declared once, beside the code that uses it. A recipe may `extend` another: a built-in name or a
path.
"""

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pydantic
import pydantic_core
import yaml

from stackspark.errors import InvalidParamsError, RecipeError, UsageError
from stackspark.recipe.model import Recipe
from stackspark.runtime.formatting import did_you_mean
from stackspark.runtime.package import package_folder

BUILT_IN = package_folder() / "recipes"


def load_recipe(name_or_path: str, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe, apply ``section.key=value`` settings and check it.

    Args:
        name_or_path: a built-in recipe's name or the path of a YAML file.
        settings: dotted names with YAML values, as the command line's ``--set`` takes them.

    Raises:
        RecipeError: an unknown key (the message names the nearest), a wrong type or unit.
        UsageError: no such recipe.
    """
    path = _recipe_path(name_or_path)
    values = _read(path)
    for setting in settings:
        _set(values, setting)
    return _validated(values, where=f"recipe {path}")


@cache
def recipe_adapter() -> pydantic.TypeAdapter[Recipe]:
    """Pydantic's reader of `Recipe`, which checks keys and types."""
    return pydantic.TypeAdapter(Recipe)


def built_in_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(path.stem for path in BUILT_IN.glob("*.yaml"))


def _recipe_path(name_or_path: str) -> Path:
    built_in = BUILT_IN / f"{name_or_path}.yaml"
    if name_or_path in built_in_recipes():
        return built_in
    path = Path(name_or_path)
    if path.is_file():
        return path
    raise UsageError(
        f"no recipe {name_or_path!r}: needed one of {', '.join(built_in_recipes())} "
        "or the path of a YAML file"
    )


def _read(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    if path.resolve() in seen:
        raise RecipeError(f"recipe {path} extends itself through {seen[-1]}")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        detail = " ".join(str(error).split())
        raise RecipeError(f"recipe {path} is not readable YAML: {detail}") from None
    if not isinstance(values, dict):
        raise RecipeError(f"recipe {path}: needed a mapping of keys, found {_kind(values)}")
    values = {
        key: _map_strings(item, lambda text: _placed(text, path)) for key, item in values.items()
    }
    parent = values.pop("extends", None)
    if parent is None:
        return values
    if not isinstance(parent, str):
        raise RecipeError(f"recipe {path}: extends needs a recipe's name, found {_kind(parent)}")
    sibling = path.parent / parent
    base = sibling if sibling.is_file() else _recipe_path(parent)
    return _merged(_read(base, (*seen, path.resolve())), values)


def _merged(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _merged(old, value) if both and old is not None else value
    return merged


def _placed(text: str, recipe: Path) -> str:
    """`{recipe_folder}` and `{env}` as this machine has them."""
    return text.replace("{recipe_folder}", str(recipe.parent.absolute())).replace(
        "{env}", sys.prefix
    )


def _map_strings(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {
            _map_strings(key, change): _map_strings(item, change) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_map_strings(item, change) for item in value]
    return value


def _set(values: dict[str, Any], setting: str) -> None:
    name, equals, text = setting.partition("=")
    if not equals or not name:
        raise UsageError(
            f"--set {setting!r}: needed KEY=VALUE, such as near_duplicates.threshold=0.8"
        )
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UsageError(f"--set {setting!r}: the value is not YAML") from None
    *sections, key = name.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise RecipeError(f"--set {setting!r}: {section} is not a section of the recipe")
    values[key] = value


def _validated(values: Mapping[str, Any], where: str) -> Recipe:
    """The recipe that values say; JSON is what pydantic reads tuples and dataclasses from."""
    try:
        return recipe_adapter().validate_json(pydantic_core.to_json(values))
    except pydantic.ValidationError as error:
        raise RecipeError(f"{where}: {_explained(error)}") from None
    except InvalidParamsError as error:
        raise RecipeError(f"{where}: {error}") from None


def _explained(error: pydantic.ValidationError) -> str:
    """The first thing that is wrong, in one line."""
    first = error.errors(include_url=False)[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "unexpected_keyword_argument":
        known = _keys(first["loc"][:-1])
        near = did_you_mean(str(first["loc"][-1]), known)
        return f"unknown key {name}{near or '; known keys: ' + ', '.join(known)}"
    if first["type"] == "missing":
        return f"{name}: a recipe needs this key"
    if first["type"] == "literal_error":
        return f"{name}: needed {first['ctx']['expected']}, found {first['input']!r}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{name}: {message[0].lower()}{message[1:]}, found {first['input']!r}"


def _keys(location: tuple[int | str, ...]) -> list[str]:
    """Names of the keys of a section."""
    section: Any = Recipe
    for part in location:
        section = get_type_hints(section)[str(part)]
    return [field.name for field in dataclasses.fields(section)]


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
