"""Recipes: one YAML file per dataset, checked and turned into the parameters of every stage.

A recipe's sections are the frozen `Params` of the stages themselves, so that a parameter is
declared once, beside the code that uses it. A recipe may `extend` another: a built-in name or a
path.
"""

import dataclasses
import difflib
import re
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pydantic
import yaml

from stackspark.errors import InvalidParamsError, RecipeError, UsageError
from stackspark.recipe.model import Recipe
from stackspark.runtime.package import package_folder

BUILT_IN = package_folder() / "recipes"
BYTE_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12} | {
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}


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


def _map_strings(value: Any, change: typing.Callable[[str], str]) -> Any:
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
    model = _model(Recipe)
    try:
        checked = model.model_validate(values)
    except pydantic.ValidationError as error:
        raise RecipeError(f"{where}: {_explained(error)}") from None
    try:
        recipe: Recipe = _instance(Recipe, checked)
    except InvalidParamsError as error:
        raise RecipeError(f"{where}: {error}") from None
    return recipe


def _model(cls: type) -> type[pydantic.BaseModel]:
    """A strict pydantic model with the fields of a dataclass; nested dataclasses become models."""
    hints = typing.get_type_hints(cls)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        kind, default = hints[field.name], _default(field)
        if dataclasses.is_dataclass(kind):
            fields[field.name] = (_model(typing.cast(type, kind)), {})
        else:
            fields[field.name] = (_annotated(field.name, kind), default)
    config = pydantic.ConfigDict(extra="forbid", validate_default=True, allow_inf_nan=False)
    return pydantic.create_model(cls.__name__, __config__=config, **fields)


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return ...


def _annotated(name: str, kind: Any) -> Any:
    """Strict for numbers and booleans, so that "yes" is no number and 1 no boolean."""
    if name.endswith("_bytes"):
        return typing.Annotated[kind, pydantic.BeforeValidator(_bytes)]
    if kind in (int, bool, str):
        return typing.Annotated[kind, pydantic.Strict()]
    return kind


def _bytes(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", value)
    unit = match and BYTE_UNITS.get(match[2])
    if match is None or not unit:
        raise ValueError(
            f"needed a size such as 64 MiB (units: {', '.join(BYTE_UNITS)}), found {value!r}"
        )
    return int(float(match[1]) * unit)


def _instance(cls: type, checked: pydantic.BaseModel) -> Any:
    """The dataclass from its model; the dataclass's own checks run here."""
    hints = typing.get_type_hints(cls)
    values = {}
    for field in dataclasses.fields(cls):
        value = getattr(checked, field.name)
        kind = hints[field.name]
        nested = dataclasses.is_dataclass(kind)
        values[field.name] = _instance(typing.cast(type, kind), value) if nested else value
    return cls(**values)


def _explained(error: pydantic.ValidationError) -> str:
    """The first thing that is wrong, in one line."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key {name}{_nearest(first['loc'])}"
    found = f", found {first['input']!r}" if first["type"] != "missing" else ""
    message = first["msg"].removeprefix("Value error, ")
    return f"{name}: {message[0].lower()}{message[1:]}{'' if 'found' in message else found}"


def _nearest(location: tuple[int | str, ...]) -> str:
    cls: Any = Recipe
    for part in location[:-1]:
        cls = typing.get_type_hints(cls).get(str(part))
        if cls is None or not dataclasses.is_dataclass(cls):
            return ""
    known = [field.name for field in dataclasses.fields(cls)]
    close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; known keys: {', '.join(known)}"


def _kind(value: Any) -> str:
    return "nothing" if isinstance(value, types.NoneType) else type(value).__name__
