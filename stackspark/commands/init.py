"""A recipe of one's own: written with the sources that were named, every other key to uncomment."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from stackspark.errors import UsageError
from stackspark.recipe.load import BUILT_IN
from stackspark.runtime.package import schemas_folder
from stackspark.sources.base.specs import parse_source

PARENT = "default"

HEAD = """\
# yaml-language-server: $schema={schema}
#
# A recipe says what differs from the recipe that it extends. The keys that most people change stand
# below with their defaults; take away the # in front of a section and of the keys that you set.
#
#   stackspark run {path} --lake lake --dry-run    # what would run, and why
#   stackspark run {path} --lake lake
#   stackspark run {path} --lake lake --set near_duplicates.threshold=0.8
extends: {parent}
name: {name}
description: {description}
sources:
{sources}
# opt_outs: "{{recipe_folder}}/opt_outs.yaml"     # who asked to be left out
# benchmarks:
#   path: "{{recipe_folder}}/benchmarks.jsonl"    # texts that models are tested with
"""


def write_recipe(path: Path, sources: Sequence[str]) -> Path:
    """Write a commented recipe for some sources.

    Args:
        path: of the new file; its stem becomes the recipe's name.
        sources: KIND:LOCATION each, at least one.

    Raises:
        UsageError: the file is there, its folder is not, or a source is no source.
    """
    if not sources:
        raise UsageError("init: needed sources such as git:PATH or 'archive:GLOB'; found none")
    for source in sources:
        parse_source(source)
    name = re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or "recipe"
    kinds = ", ".join(sorted({source.partition(":")[0] for source in sources}))
    plural = "source" if len(sources) == 1 else "sources"
    head = HEAD.format(
        schema=schemas_folder() / "recipe.schema.json",
        path=path,
        parent=PARENT,
        name=json.dumps(name),
        description=json.dumps(f"Code of {len(sources)} {plural} ({kinds})."),
        # A string of JSON is one of YAML, whatever is in it.
        sources="\n".join(f"  - {json.dumps(source)}" for source in sources),
    )
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(f"{head}\n{_commented_defaults()}")
    except FileExistsError:
        raise UsageError(f"init: {path} is there already; name another with --out") from None
    except OSError as error:
        raise UsageError(f"init: {path} cannot be written: {error.strerror}") from None
    return path


def _commented_defaults() -> str:
    """Sections of the built-in recipe, each line behind a #."""
    text = (BUILT_IN / f"{PARENT}.yaml").read_text(encoding="utf-8")
    sections = text.partition("\n\n")[2]
    return "".join(f"# {line}\n" if line else "\n" for line in sections.splitlines())
