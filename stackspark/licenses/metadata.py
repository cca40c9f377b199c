"""Licences that the metadata of a package declares for the files that it stands beside.

Metadata is parsed as data, within bounds, and what cannot be parsed declares nothing. The other
files that declare are licence files, whose names are in `license_names`.

Source: core metadata 2.4 (PEP 639); npm's package.json; Cargo manifest; Maven POM 4.0.0.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.parsers import expat

from stackspark.licenses.expressions import evaluate

DECLARED_VERSION = "3"
"""Changes with any result of `declared_license`."""

MAX_METADATA_CHARS = 500_000
MAX_SHORT_FIELD_CHARS = 200
"""Some put the whole text of their licence where its name belongs."""


def declared_license(name: str, text: str) -> str | None:
    """Licence expression that a file declares as the metadata of a package.

    Args:
        name: base name of the file.
        text: its decoded content.

    Returns:
        The expression as written; None where the file declares nothing.
    """
    read = METADATA_READERS.get(name)
    return _short(read(text)) if read and len(text) <= MAX_METADATA_CHARS else None


def _short(value: object) -> str | None:
    """The value as an expression of one line; None if it is no text, empty or a whole licence."""
    if not isinstance(value, str):
        return None
    lines = value.strip().splitlines()
    if len(lines) != 1 or len(lines[0]) > MAX_SHORT_FIELD_CHARS or lines[0].lower() == "unknown":
        return None
    return " ".join(lines[0].split())


def _joined(names: Iterable[object], operator: str) -> str | None:
    """One expression of several names; a single one stays as written."""
    written = [name for name in map(_short, names) if name]
    if len(written) < 2:
        return written[0] if written else None
    parts = dict.fromkeys(evaluate(name).expression for name in written)
    return f" {operator} ".join(f"({part})" if " " in part else part for part in parts)


def _read_core_metadata(text: str) -> str | None:
    header = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n"), maxsplit=1)[0]
    # A field goes on in lines that begin with a blank.
    fields = re.findall(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t].*)*)", header, re.MULTILINE)
    values: dict[str, list[str]] = {}
    for field, value in fields:
        values.setdefault(field.lower(), []).append(value)
    if "metadata-version" not in values:
        return None
    return (
        _joined(values.get("license-expression", [])[:1], "AND")
        or _joined(values.get("license", [])[:1], "AND")
        or _of_classifiers(values.get("classifier", []))
    )


def _of_classifiers(classifiers: Iterable[object]) -> str | None:
    """Expression of trove classifiers; several leave open whether one may choose, so all apply."""
    licenses = [
        classifier
        for classifier in classifiers
        if isinstance(classifier, str)
        and classifier.startswith("License ::")
        and classifier.strip() != "License :: OSI Approved"
    ]
    return _joined(licenses, "AND")


def _read_package_json(text: str) -> str | None:
    package = _loaded(json.loads, text)
    declared = package.get("license")
    if isinstance(declared, dict):
        declared = declared.get("type")
    if declared is None and isinstance(package.get("licenses"), list):
        # Before npm had expressions, a list was a choice.
        listed = package["licenses"]
        declared = _joined((x.get("type") if isinstance(x, dict) else x for x in listed), "OR")
    expression = _short(declared)
    # "SEE LICENSE IN <file>" names no licence; that file is looked at itself.
    return None if expression is None or expression.upper().startswith("SEE ") else expression


def _read_cargo_toml(text: str) -> str | None:
    return _short(_table(_loaded(tomllib.loads, text), "package").get("license"))


def _read_pyproject_toml(text: str) -> str | None:
    project = _loaded(tomllib.loads, text)
    table = _table(project, "project")
    declared = table.get("license")
    if isinstance(declared, dict):
        declared = declared.get("text")
    classifiers = table.get("classifiers")
    return (
        _short(declared)
        or _short(_table(_table(project, "tool"), "poetry").get("license"))
        or _of_classifiers(classifiers if isinstance(classifiers, list) else [])
    )


def _loaded(load: Callable[[str], Any], text: str) -> dict[str, Any]:
    """The table that a text holds; an empty one if it is broken, too deep or no table."""
    try:
        loaded = load(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _table(parent: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _read_pom(text: str) -> str | None:
    """Names at project/licenses/license/name; Maven lets the user choose among several."""
    path: list[str] = []
    names: list[str] = []

    def start(tag: str, _: object) -> None:
        path.append(tag.rpartition(":")[2])
        if path == ["project", "licenses", "license", "name"]:
            names.append("")

    def characters(data: str) -> None:
        if path == ["project", "licenses", "license", "name"]:
            names[-1] += data

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: path.pop()
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except (expat.ExpatError, ValueError):
        return None
    return _joined(names, "OR")


def _refuse_doctype(*_: object) -> None:
    # A POM has none; without it there are no entities to expand and nothing to fetch.
    raise ValueError("document type declarations are not read")


METADATA_READERS: Mapping[str, Callable[[str], str | None]] = {
    "METADATA": _read_core_metadata,
    "PKG-INFO": _read_core_metadata,
    "package.json": _read_package_json,
    "Cargo.toml": _read_cargo_toml,
    "pyproject.toml": _read_pyproject_toml,
    "pom.xml": _read_pom,
}
