"""The dataset card: what an export holds, how it was made, what may be done with it.

A Markdown file whose front matter makes the folder a dataset that Hugging Face's `datasets` loads,
with one configuration per language where there is a file per language.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from stackspark.export.manifest import MANIFEST_NAME, Shard
from stackspark.report.summary import FunnelRow, LicenseRow
from stackspark.runtime.formatting import number, size, visible

HUB_LICENSES = frozenset(
    (
        *("afl-3.0", "apache-2.0", "artistic-2.0", "bsd-2-clause", "bsd-3-clause"),
        *("bsd-3-clause-clear", "bsl-1.0", "cc-by-4.0", "cc0-1.0", "ecl-2.0", "epl-1.0"),
        *("epl-2.0", "isc", "lppl-1.3c", "mit", "mpl-2.0", "ms-pl", "ncsa", "ofl-1.1"),
        *("osl-3.0", "pddl", "postgresql", "unlicense", "wtfpl", "zlib"),
    )
)
"""Licences that the Hub has a name for; all others are `other` there."""
NOT_IN_CONFIG_NAMES = frozenset(r"<>:/\|?*")
"""Characters that `datasets` refuses in the name of a configuration."""
SIZE_CATEGORIES = (
    *((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M")),
    *((10**7, "1M<n<10M"), (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B")),
    *((10**11, "10B<n<100B"), (10**12, "100B<n<1T")),
)
MARKUP = frozenset("\\`*_[]()#+-.!|~:@$")
"""Characters that Markdown may read as markup, a link or the name of a user."""
ROWS = {
    "files": "One row per file, with its text in `content`. A configuration per language.",
    "documents": (
        "One row per repository, or per numbered part of a large one: its files with their text "
        "in `files`, and in `text` the document to train on, which ends in `<|endoftext|>`. "
        "Sentinels of the tokenizer that occur in the code are escaped there with a backslash "
        "after the `<`; `num_escaped_sentinels` counts them."
    ),
    "ids": (
        "One row per repository, or per numbered part of a large one: identifiers and "
        "measurements of its files, no text. Fetch `s3://softwareheritage/content/<blob_id>`, "
        "unpack it with gzip, and decode it as `src_encoding` says. Names are those of Python's "
        "codecs; CESU-8 is UTF-8 of the halves of UTF-16."
    ),
    "notices": (
        "One row per licence text that kept files rest on: what it states, its copyright lines "
        "(`holders`), how many files and repositories rest on it, the first of its places, and "
        "the text in `content`. Licences that ask for attribution ask for this. Files whose "
        "licence is only named, in metadata or in a tag, have no text here."
    ),
}


@dataclass(frozen=True, kw_only=True)
class DatasetCard:
    """Content of the card of one export.

    Attributes:
        dataset: files, documents, ids or notices.
        pretty_name: title.
        description: one paragraph, as the recipe has it.
        shards: the export's files.
        funnel: of the run.
        licenses: of the run's files.
        recipe: its parameters.
        code_version: that made the export.
        contact: where to ask for removal; the publisher of the folder if empty.
    """

    dataset: str
    pretty_name: str
    description: str
    shards: Sequence[Shard]
    funnel: Sequence[FunnelRow] = ()
    licenses: Sequence[LicenseRow] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    code_version: str
    contact: str = ""


def render_dataset_card(card: DatasetCard) -> str:
    """Render the card; equal cards give equal text."""
    sections = (
        f"---\n{_front_matter(card)}---",
        f"# {_escaped(card.pretty_name)}",
        _escaped(card.description),
        ROWS[card.dataset],
        _loading(card),
        _languages(card.shards) if card.dataset != "notices" else "",
        _removals(card.funnel),
        _licenses(card.licenses),
        _removal_requests(card.contact),
        _making(card),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _front_matter(card: DatasetCard) -> str:
    num_rows = sum(shard.num_rows for shard in card.shards)
    matter: dict[str, Any] = {
        "pretty_name": visible(card.pretty_name),
        "license": _hub_licenses(card.licenses),
        "language": ["code"],
        "task_categories": ["text-generation"],
        "size_categories": [_size_category(num_rows)],
        "tags": ["code", "stackspark"],
    }
    configs = list(_configs(card.shards))
    if configs:
        matter["configs"] = configs
    return yaml.safe_dump(matter, sort_keys=False, allow_unicode=False)


def _hub_licenses(licenses: Iterable[LicenseRow]) -> list[str]:
    """Names of the Hub for the licences of kept files; expressions of several are `other`."""
    kept = (row.expression for row in licenses if row.num_kept_files)
    found = {expression.lower() for expression in kept if expression}
    known = found & HUB_LICENSES
    return sorted(known) + (["other"] if found - known or not known else [])


def _size_category(num_rows: int) -> str:
    return next((name for limit, name in SIZE_CATEGORIES if num_rows < limit), "n>1T")


def _configs(shards: Sequence[Shard]) -> Iterator[dict[str, Any]]:
    if shards:
        yield _config("default", "part-*.parquet")
    globs = {shard.path.split("--")[0]: shard.language for shard in shards if "--" in shard.path}
    for prefix, language in sorted(globs.items()):
        slug = prefix.removeprefix("part-")
        is_refused = language is None or not NOT_IN_CONFIG_NAMES.isdisjoint(language)
        yield _config(slug if is_refused else str(language), f"{prefix}--*.parquet")


def _config(name: str, glob: str) -> dict[str, Any]:
    return {"config_name": name, "data_files": [{"split": "train", "path": glob}]}


def _loading(card: DatasetCard) -> str:
    names = [config["config_name"] for config in _configs(card.shards)]
    language = f", {json.dumps(names[1])}" if len(names) > 1 else ""
    return (
        "## How to load it\n\n"
        "```python\n"
        "from datasets import load_dataset\n\n"
        f'rows = load_dataset("path/of/this/folder"{language}, split="train", streaming=True)\n'
        "```\n\n"
        f"`{MANIFEST_NAME}` lists every file with its rows, bytes and SHA-256."
    )


def _languages(shards: Sequence[Shard]) -> str:
    files: Counter[str] = Counter()
    packed: Counter[str] = Counter()
    for shard in shards:
        files.update(shard.language_counts)
        for language in shard.language_counts if len(shard.language_counts) == 1 else ():
            packed[language] += shard.size_bytes
    is_split = all("--" in shard.path for shard in shards)
    rows = [
        (language, number(count), *((size(packed[language]),) if is_split else ()))
        for language, count in sorted(files.items(), key=lambda item: (-item[1], item[0]))
    ]
    titles = ("Language", "Files", *(("Compressed",) if is_split else ()))
    return f"## Languages\n\n{_table(titles, rows)}"


def _removals(funnel: Sequence[FunnelRow]) -> str:
    rows = [
        (row.title, number(row.num_files), size(row.size_bytes), row.description) for row in funnel
    ]
    if not rows:
        return ""
    return (
        "## What is in and what is not\n\n"
        "Every file that was listed is counted once: as kept, or under the first rule that "
        f"removed it.\n\n{_table(('Files', 'Number', 'Size', 'Why'), rows)}"
    )


def _licenses(licenses: Sequence[LicenseRow]) -> str:
    rows = [
        (row.expression or "all", row.license_type, number(row.num_kept_files))
        for row in licenses
        if row.num_kept_files
    ]
    if not rows:
        return ""
    return (
        "## Licences\n\n"
        "Each file stays under its own licence: `detected_licenses` and `license_type` name it. "
        "Attribution that a licence asks for is owed to the repository that the row names.\n\n"
        f"{_table(('Licence', 'Type', 'Files'), rows)}"
    )


def _removal_requests(contact: str) -> str:
    where = _escaped(contact) if contact else "the publisher of this dataset"
    return (
        "## Opting out and takedown\n\n"
        "Code of people who had opted out when this was made is not in it. Whoever finds their "
        f"code here and wants it out asks {where}. Use the newest version of this dataset: "
        "later versions lack what was asked to be removed, and users of an older one are asked to "
        "remove it as well."
    )


def _making(card: DatasetCard) -> str:
    recipe = yaml.safe_dump(dict(card.recipe), sort_keys=True, allow_unicode=False)
    longest = max(map(len, re.findall("`+", recipe)), default=0)
    fence = "`" * max(3, longest + 1)
    return (
        "## How it was made\n\n"
        f"With stackspark {_escaped(card.code_version)} from this recipe; the same input, recipe "
        f"and code give the same bytes.\n\n{fence}yaml\n{recipe}{fence}"
    )


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, link or HTML of strangers."""
    entities = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
    return "".join(
        entities.get(character, f"\\{character}" if character in MARKUP else character)
        for character in visible(text, max_chars=len(text))
    )
