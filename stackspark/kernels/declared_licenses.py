"""Licences that files declare for the package or the directory that they stand in.

Two kinds of files declare: the metadata of a package, which names an expression, and licence files,
whose text is one (`license_texts`). A README, a notice or an about page that mentions a licence
declares nothing, nor does a program that happens to be called `license.js`. Metadata is parsed as
data, within bounds, and what cannot be parsed declares nothing.

Source: appendix A.3 of the StarCoder2 paper for the names; core metadata 2.4 (PEP 639); npm's
package.json; Cargo manifest; Maven POM 4.0.0.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any
from xml.parsers import expat

from stackspark.kernels.license_texts import license_of_text
from stackspark.kernels.spdx import evaluate

DECLARED_VERSION = "2"
"""Changes with any result of `declared_license`."""

PACKAGE_METADATA, LICENSE_FILE = "package_metadata", "license_file"

MAX_METADATA_CHARS = 500_000
MAX_SHORT_FIELD_CHARS = 200
"""Some put the whole text of their licence where its name belongs."""

NAMING = (
    *(
        r"li[cs]en[cs]e(s?)",
        "legal",
        "copy(left|right|ing)",
        "unlicense",
        r"[al]?gpl([-_ v]?)(\d\.?\d?)?",
    ),
    *(
        "bsd(l?)",
        "mit(x?)",
        "apache",
        "artistic",
        r"copying(v?)(\d?)",
        "disclaimer",
        "eupl",
        "gfdl",
    ),
    *("[cm]pl", "cc0", r"al([-_ v]?)(\d\.?\d)?"),
)
"""Names of files that hold licences."""

MENTIONING = ("about", "notice", "readme", "guidelines")
"""Names of files that may speak of licences; with the above they make the published expression."""


def _named(names: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"^(|.*[-_. ])({'|'.join(names)})(|[-_. ].*)$", re.IGNORECASE)


UNKNOWN_LICENSE = "LicenseRef-scancode-unknown-license-reference"
"""What no permissive licence beside it contradicts must not pass for "no licence at all"."""

_HOLDING_NAME = re.compile(r"((un)?li[cs]en[cs]es?|copying)([-_. ].*)?$", re.IGNORECASE)
_LICENSE_NAME, _DECLARING_NAME = _named(NAMING + MENTIONING), _named(NAMING)

SOURCE_EXTENSIONS = frozenset(
    (
        *("asm", "bash", "bat", "c", "cc", "clj", "cmake", "coffee", "cpp", "cs", "css"),
        *("csv", "cxx", "dart", "el", "elm", "erl", "ex", "exs", "f90", "fs", "go"),
        *("gradle", "groovy", "h", "hh", "hpp", "hs", "hxx", "inc", "ini", "ipynb"),
        *("java", "jl", "js", "json", "json5", "jsx", "kt", "kts", "less", "lisp", "lua"),
        *("m", "mjs", "ml", "mm", "nim", "php", "pl", "pm", "po", "pot", "properties"),
        *("proto", "ps1", "py", "pyi", "pyx", "r", "rb", "rs", "sass", "scala", "scm"),
        *("scss", "sh", "sol", "sql", "svelte", "svg", "swift", "tcl", "toml", "ts"),
        *("tsx", "v", "vb", "vhd", "vue", "wasm", "xml", "xsl", "yaml", "yml", "zig"),
        *("zsh"),
    )
)
"""Extensions of files that are named after a licence, but are none."""


def is_license_file(name: str) -> bool:
    """Whether a base name is one of those that The Stack v2 looked for licences in."""
    return _LICENSE_NAME.match(name) is not None


def declared_license(name: str, text: str) -> tuple[str, str] | None:
    """Licence that a file declares for its package or directory.

    Args:
        name: base name of the file.
        text: its decoded content.

    Returns:
        The expression, as written or where a text was recognised as SPDX, and who declares it:
        ``package_metadata`` or ``license_file``. A file called LICENSE or COPYING of which nobody
        knows what it says is `UNKNOWN_LICENSE`. None where the file declares nothing.
    """
    read = METADATA_READERS.get(name)
    if read is not None:
        expression = _short(read(text)) if len(text) <= MAX_METADATA_CHARS else None
        return (expression, PACKAGE_METADATA) if expression else None
    if not _may_declare(name):
        return None
    expression = license_of_text(text)
    if expression is None and _HOLDING_NAME.match(name) and text.strip():
        expression = UNKNOWN_LICENSE
    return (expression, LICENSE_FILE) if expression else None


@lru_cache(maxsize=65_536)
def _may_declare(name: str) -> bool:
    extension = name.lower().rpartition(".")[2]
    return extension not in SOURCE_EXTENSIONS and _DECLARING_NAME.match(name) is not None


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
    """What trove classifiers say; several do not say whether one may choose, so all apply."""
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
