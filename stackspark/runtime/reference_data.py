"""Versioned lists that travel in the package: licences, excluded pairs, excluded languages."""

import json
from functools import cache
from typing import Any

import yaml

from stackspark.runtime.package import package_folder


@cache
def reference_data(name: str) -> Any:
    """Parse one file of ``stackspark/data``.

    Args:
        name: file name, such as ``excluded_pairs.yaml`` or ``licenses.json``.
    """
    text = (package_folder() / "data" / name).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
