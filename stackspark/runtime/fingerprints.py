"""Fingerprints of steps and of what they made: inputs, parameters, and the code behind a result.

The code behind a result is the import closure of one module: that module, all modules of the
package that it imports (inside functions too), their parent packages, the modules and data files
that they name in a string, the contracts that they ask for, and the versions of the libraries in
`DECIDING` that they import. A change anywhere else leaves the fingerprint as it is.
"""

import ast
import hashlib
import importlib.metadata
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stackspark import __version__
from stackspark.runtime.package import NAME, package_folder, schemas_folder

DECIDING = {
    "ahocorasick_rs": "ahocorasick-rs",
    "dulwich": "dulwich",
    "enry": "enry-python",
    "license_expression": "license-expression",
    "licensedcode": "scancode-toolkit-mini",
    "numpy": "numpy",
    "packaging": "packaging",
    "pyarrow": "pyarrow",
    "pyspark": "pyspark",
    "re2": "google-re2",
    "yaml": "pyyaml",
    "zstandard": "zstandard",
}
"""Libraries that decide results, by the name that is imported, and their distributions.

Other libraries carry bytes, show progress or check parameters.
"""

WORKERS = f"{NAME}.runtime.python_daemon"
"""Spark starts it by name, and every task runs in it."""

DATA_FOLDERS = ("data", "runtime")
"""Folders of the package with data files that code reads by name."""


@dataclass(frozen=True)
class Closure:
    """Everything that a module's result depends on besides its inputs and parameters.

    Attributes:
        modules: dotted names of modules and packages.
        files: data files and contracts, as paths below the package or ``schemas/``.
        libraries: distributions of `DECIDING`.
    """

    modules: frozenset[str]
    files: frozenset[str]
    libraries: frozenset[str]


def fingerprint(name: str, inputs: Sequence[str], params: Any, module: str) -> str:
    """SHA-256 over what was made, its inputs' fingerprints, parameters, and the code behind it.

    Args:
        name: of the step or thing that is made.
        inputs: fingerprints of what it is made from.
        params: everything else that it depends on.
        module: dotted name of the module that makes it.
    """
    parts = [name, list(inputs), plain(params), code_fingerprint(module)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def plain(value: Any) -> Any:
    """A value as JSON holds it; dataclasses become mappings."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


@cache
def code_fingerprint(module: str) -> str:
    """SHA-256 over the files and library versions of a module's import closure."""
    found = closure(module)
    parts = {name: _digest(_sources()[name]) for name in found.modules}
    parts |= {name: _digest(_file(name)) for name in found.files}
    parts |= {name: _version(name) for name in found.libraries}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def closure(module: str) -> Closure:
    """The import closure of a module.

    Raises:
        KeyError: if the package has no such module.
    """
    open_names, seen = [module, WORKERS], set[str]()
    files, libraries = set[str](), set[str]()
    while open_names:
        name = open_names.pop()
        if name in seen:
            continue
        seen.add(name)
        used = _uses(name)
        files |= used.files
        libraries |= used.libraries
        parents = {name.rpartition(".")[0]} - {""}
        open_names += used.modules | parents
    return Closure(frozenset(seen), frozenset(files), frozenset(libraries))


@cache
def code_version() -> str:
    """Version of the package and the beginning of a hash over all its files and contracts."""
    package, schemas = package_folder(), schemas_folder()
    paths = [*package.rglob("*.py"), *package.glob("data/*"), *schemas.glob("*.yaml")]
    parts = {path.name + str(path.parent.name): _digest(path) for path in paths}
    whole = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return f"{__version__}+{whole[:12]}"


@cache
def _uses(name: str) -> Closure:
    """Names in the text of one module; contracts by literal arguments, or by any name in a step."""
    tree = ast.parse(_sources()[name].read_text(encoding="utf-8"))
    modules, libraries = set[str](), set[str]()
    for imported in _imports(tree):
        modules |= {each for each in (imported, imported.rpartition(".")[0]) if each in _sources()}
        libraries |= {DECIDING[top] for top in [imported.partition(".")[0]] if top in DECIDING}
    strings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    modules |= strings & _sources().keys()
    is_step = name.startswith(f"{NAME}.run.steps.")
    tables = strings if is_step else set(_contract_arguments(tree))
    files = {_data_files()[each] for each in strings & _data_files().keys()}
    files |= {_contract_files()[each] for each in tables & _contract_files().keys()}
    return Closure(frozenset(modules), frozenset(files), frozenset(libraries))


def _imports(tree: ast.Module) -> Iterator[str]:
    """Dotted names of everything that a module imports, anywhere in it; names of objects too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (str(each.value) for each in node.args if isinstance(each, ast.Constant))


def _contract_arguments(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("table_contract"):
            yield from (str(each.value) for each in node.args if isinstance(each, ast.Constant))


@cache
def _sources() -> dict[str, Path]:
    """Every module and package by its dotted name."""
    package = package_folder()
    found = {}
    for path in package.rglob("*.py"):
        parts = (NAME, *path.relative_to(package).with_suffix("").parts)
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def _data_files() -> dict[str, str]:
    """Data files by the name that code reads them by."""
    package = package_folder()
    paths = (path for folder in DATA_FOLDERS for path in (package / folder).iterdir())
    return {
        path.name: f"{path.parent.name}/{path.name}"
        for path in paths
        if path.is_file() and path.suffix != ".py"
    }


@cache
def _contract_files() -> dict[str, str]:
    return {path.stem: f"schemas/{path.name}" for path in schemas_folder().glob("*.yaml")}


def _file(name: str) -> Path:
    folder, _, rest = name.partition("/")
    return schemas_folder() / rest if folder == "schemas" else package_folder() / name


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
