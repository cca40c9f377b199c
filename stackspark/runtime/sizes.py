"""Sizes in bytes, which a recipe may give with a unit."""

import re
from typing import Annotated, Any

UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12} | {
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_PATTERN = r"^\s*(\d+(?:\.\d+)?)\s*(B|[KMGT]i?B)\s*$"


class _WithUnit:
    """Has pydantic take ``64 MiB`` for a number of bytes; read by it alone, so it loads here."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core.core_schema import no_info_before_validator_function  # noqa: PLC0415

        return no_info_before_validator_function(_num_bytes, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        return {"anyOf": [handler(schema), {"type": "string", "pattern": _PATTERN}]}


NumBytes = Annotated[int, _WithUnit()]
"""Number of bytes."""


def _num_bytes(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = re.match(_PATTERN, value)
    if match is None or match[2] not in UNITS:
        raise ValueError(f"needed a size such as 64 MiB (units: {', '.join(UNITS)})")
    return int(float(match[1]) * UNITS[match[2]])
