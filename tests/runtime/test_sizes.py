"""Sizes with units, as pydantic reads them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from stackspark.runtime.sizes import UNITS, NumBytes

SIZE: TypeAdapter[int] = TypeAdapter(NumBytes)


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_is_a_factor(unit: str) -> None:
    assert SIZE.validate_python(f"3 {unit}") == 3 * UNITS[unit]
    assert SIZE.validate_python(f" 1.5{unit} ") == int(1.5 * UNITS[unit])


def test_numbers_are_bytes() -> None:
    assert SIZE.validate_python(7) == 7


@pytest.mark.parametrize("text", ["", "MiB", "7", "ten MiB", "-1 MiB", "1 mib", "1,5 MiB", "1 iB"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="needed a size such as 64 MiB"):
        SIZE.validate_python(text)


def test_the_schema_takes_numbers_and_units() -> None:
    number, text = SIZE.json_schema()["anyOf"]
    assert number == {"type": "integer"}
    assert text["type"] == "string"
