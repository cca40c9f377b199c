"""Fingerprints of steps and of what they made: inputs, parameters and code."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from functools import cache
from typing import Any

from stackspark import __version__
from stackspark.runtime.package import package_folder, schemas_folder


def fingerprint(step: str, inputs: Sequence[str], params: Any) -> str:
    """SHA-256 over the step's name, its inputs' fingerprints, its parameters and the code."""
    parts = [step, list(inputs), plain(params), code_hash()]
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
def code_hash() -> str:
    """SHA-256 over the package's source files, the lists that they decide by, and the contracts.

    What was held to another contract is not taken over.
    """
    digest = hashlib.sha256()
    package, schemas = package_folder(), schemas_folder()
    code = [*package.rglob("*.py"), *package.glob("data/*")]
    for folder, paths in ((package, code), (schemas, schemas.glob("*.yaml"))):
        for path in sorted(paths):
            name = str(path.relative_to(folder)).encode()
            digest.update(name + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def code_version() -> str:
    """Version of the package and the beginning of its code's hash."""
    return f"{__version__}+{code_hash()[:12]}"
