"""Write ``schemas/recipe.schema.json``, by which editors complete and check a recipe.

Names, types, defaults and descriptions are those of the parameters themselves; run it with
`make schema` after a change to them.
"""

import json
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from docstring_parser import parse_from_object
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from stackspark.recipe.load import recipe_adapter

PATH = Path(__file__).parents[1] / "schemas" / "recipe.schema.json"
EXTENDS = "A built-in recipe's name, or a path beside this recipe; this one holds what differs."


class _WithDescriptions(GenerateJsonSchema):
    """Describes each key as the docstring of its dataclass does."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's own name
        return False

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> dict[str, Any]:
        found = super().dataclass_schema(schema)
        for cls in filter(is_dataclass, reversed(schema["cls"].__mro__)):
            docstring = parse_from_object(cls)
            found["description"] = docstring.short_description
            for param in docstring.params:
                if param.description and param.arg_name in found["properties"]:
                    words = " ".join(param.description.split())
                    found["properties"][param.arg_name]["description"] = words
        return found


def recipe_schema() -> dict[str, Any]:
    """JSON Schema of a recipe as it is written, before what it extends is read."""
    schema = recipe_adapter().json_schema(schema_generator=_WithDescriptions)
    schema["properties"]["extends"] = {"type": "string", "description": EXTENDS}
    name = schema.pop("required")
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **schema,
        "title": "stackspark recipe",
        "anyOf": [{"required": name}, {"required": ["extends"]}],
    }


def schema_text() -> str:
    """The schema as the file has it."""
    return json.dumps(recipe_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
