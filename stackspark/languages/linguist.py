"""Linguist: the language of a file, whether it is generated, and flags of its path.

go-enry decides in this order: binary, modeline, file name, shebang, extension, content. Where the
name or the extension alone stands for one language, only a modeline, a shebang or a NUL byte can
overrule it; a file without any of them gets the language of its name from a cache. So go-enry is
not called for 85 % of 3,098 files of installed packages, which halves the time of all; an ambiguous
`.h` still takes 1 ms for 8 kB. A test compares both ways on thousands of real files.
"""

import re
from functools import cache, lru_cache
from importlib.metadata import version
from typing import NamedTuple

import enry
import re2
from enry.definitions import ffi, go_str_slice_to_py, lib

from stackspark.runtime.reference_data import reference_data

LANGUAGES_VERSION = f"2/enry-python-{version('enry-python')}"
"""Changes with any result; the data of Linguist is part of enry-python."""

MAX_LANGUAGE_BYTES = 50 * 1024
"""Bytes that Linguist's own classifier reads; an ambiguous file of 2 MB would take 72 ms."""

MODELINE_LINES = 5
CACHED_NAMES, CACHED_PATHS = 65_536, 65_536

LONE_CARRIAGE_RETURN = re.compile(rb"\r(?!\n)")

# Part of every modeline that names a language: Emacs' mark, or an option of vi.
MODELINE = re2.compile(rb"-\*-|(?i:filetype|ft|syntax)\s*=")


class PathFlags(NamedTuple):
    """Linguist's flags of a path."""

    is_vendor: bool
    is_documentation: bool
    is_generated_path: bool
    is_configuration: bool


def detect_language(name: str, raw: bytes) -> str | None:
    """Linguist's language of a file, or None where it knows none.

    Args:
        name: base name of the file; characters that cannot be encoded count as question marks.
        raw: content; the first 50 kB decide.
    """
    content = _with_line_feeds(raw[:MAX_LANGUAGE_BYTES])
    known = _language_of_name(_encodable(name))
    if known is not None and not _may_overrule_name(content):
        return known
    return enry.get_language(_encodable(name), content) or None


def is_generated(name: str, raw: bytes) -> bool:
    """Whether a file is generated, by Linguist's rules on its base name and content.

    Needs the whole content: the mean length of all lines decides on minified files, the last lines
    on source maps and recorded cassettes.
    """
    return bool(enry.is_generated(_encodable(name), _with_line_feeds(raw)))


class LanguageRow(NamedTuple):
    """A language of Linguist: `id` stays when a language is renamed; `group` is a larger one."""

    id: int
    type: str
    group: str | None


@cache
def language_table() -> dict[str, LanguageRow]:
    """Every language that a file can have, by name."""
    rows = reference_data("languages.json")["languages"]
    return {name: LanguageRow(**row) for name, row in rows.items()}


def is_language(name: str) -> bool:
    """Whether Linguist has a language of this name, letter case and all."""
    return name in language_table()


def language_families() -> dict[str, str]:
    """The family of each language that shares one with others, from the list in the package."""
    families = reference_data("language_families.yaml")["families"]
    return {language: family for family, members in families.items() for language in members}


@lru_cache(maxsize=CACHED_PATHS)
def path_flags(path: str) -> PathFlags:
    """Linguist's flags of a path in its repository, with or without a slash before it."""
    relative = _encodable(path).lstrip("/")
    return PathFlags(
        is_vendor=bool(enry.is_vendor(relative)),
        is_documentation=bool(enry.is_documentation(relative)),
        is_generated_path=bool(enry.is_generated(relative, b"")),
        is_configuration=bool(enry.is_configuration(relative)),
    )


def _with_line_feeds(raw: bytes) -> bytes:
    """A text in which carriage returns alone end lines, as on the classic Mac, with line feeds.

    Linguist knows lines by their line feeds only.
    """
    if raw.count(b"\r") == raw.count(b"\r\n"):
        return raw
    return LONE_CARRIAGE_RETURN.sub(b"\n", raw)


def _encodable(name: str) -> str:
    return name if name.isascii() else name.encode("utf-8", "replace").decode()


@lru_cache(maxsize=CACHED_NAMES)
def _language_of_name(name: str) -> str | None:
    """The one language that a name or its extension stands for; None if there are more or none."""
    languages = enry.get_languages_by_filename(name) or _languages_by_extension(name)
    return languages[0] if len(languages) == 1 else None


def _languages_by_extension(name: str) -> list[str]:
    # The package's wrapper returns only the first language, and not whether there are more.
    languages = lib.GetLanguagesByExtension(name.encode(), b"", 0, ffi.NULL)
    return list(go_str_slice_to_py(lib, languages))


def _may_overrule_name(content: bytes) -> bool:
    """Whether go-enry may overrule the one language of the name."""
    return (
        not content
        or content.startswith(b"#!")
        or b"\x00" in content
        or MODELINE.search(_modeline_scope(content)) is not None
    )


def _modeline_scope(content: bytes) -> bytes:
    """First and last five lines, joined as go-enry joins them; all of a short file."""
    if content.count(b"\n") < 2 * MODELINE_LINES:
        return content
    head, foot = -1, len(content)
    for _ in range(MODELINE_LINES):
        head = content.find(b"\n", head + 1)
        foot = content.rfind(b"\n", 0, foot)
    return content[:head] + content[foot + 1 :]
