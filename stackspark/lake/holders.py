"""Register of the places of a lake that hold people's code, which a takedown walks.

A place holds *text* (of files, or pieces of it), *ids* (hashes and SWHIDs by which a text is found)
or *names* (of repositories, paths, people). Columns of tables declare it in ``schemas/``, columns
of shards and all other files here. Numbers, times, languages and licences hold nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from stackspark.contracts.tables import table_contract, table_names

TEXT, ID, NAME = HELD = ("text", "id", "name")


@dataclass(frozen=True)
class Place:
    """Files of a lake, by a pattern of their path below its root, and what they hold."""

    pattern: str
    holds: tuple[str, ...]


PLACES = (
    Place("_stackspark.json", ()),
    Place("._stackspark.json.guard", ()),
    Place("locks/*", ()),
    Place("listings/*", (ID, NAME)),
    Place("plans/*", (ID, NAME)),
    Place("scratch/*", (TEXT, ID, NAME)),
    # Spark's events have the plans of queries, and in them values that were looked for.
    Place("logs/*", (ID, NAME)),
    Place("reports/*.json", (ID, NAME)),
    Place("reports/*.html", (ID, NAME)),
    Place("reports/*.prom", (NAME,)),
    Place("shards/*/manifest.json", (NAME,)),
    Place("shards/*/README.md", (NAME,)),
    *(Place(f"shards/{name}/*.parquet", HELD) for name in ("files", "documents", "ids", "notices")),
)
"""Every file of a lake that is none of a table's belongs to the first of these that matches it."""

_REPOSITORY = {
    "repo_name": (NAME,),
    "snapshot_id": (ID,),
    "revision_id": (ID,),
    "directory_id": (ID,),
    "branch_name": (NAME,),
    "gha_license_id": (),
    "gha_language": (),
}
_FILE = {
    "blob_id": (ID,),
    "path": (NAME,),
    "content_id": (ID,),
    "language": (),
    "detected_licenses": (),
    "license_type": (),
    "src_encoding": (),
}
_OF_DOCUMENT = {f"files.{name}": held for name, held in _FILE.items()}

SHARD_COLUMNS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "files": {
        **_FILE,
        **_REPOSITORY,
        "extension": (NAME,),
        "filename": (NAME,),
        "content": (TEXT,),
    },
    "documents": {
        **_REPOSITORY,
        **_OF_DOCUMENT,
        "repo_url": (NAME,),
        "files.content": (TEXT,),
        "text": (TEXT,),
    },
    "ids": {
        **_REPOSITORY,
        **_OF_DOCUMENT,
        "repo_url": (NAME,),
        "files.swhid": (ID, NAME),
        "swhid": (ID, NAME),
    },
    "notices": {
        "blob_id": (ID,),
        "expression": (),
        "holders": (NAME,),
        "repo_name": (NAME,),
        "path": (NAME,),
        "content": (TEXT,),
    },
}
"""Kinds of values in each column of an export but numbers and times; in structs by their path."""


def table_columns(held: str) -> Iterator[tuple[str, str]]:
    """(table, column) of every column of a table that holds text, ids or names."""
    for name in table_names():
        for column in table_contract(name).columns:
            if held in (column.holds or ()):
                yield name, column.name


@cache
def places() -> tuple[Place, ...]:
    """Every place of a lake; those of a table are its log and its data files."""
    of_tables = (
        place
        for name in table_names()
        for place in (
            # A log has the least and the greatest value of each column of a data file.
            Place(f"tables/{name}/_delta_log/*", (ID, NAME)),
            Place(f"tables/{name}/*.parquet", HELD),
            Place(f"tables/{name}/.*.parquet.crc", ()),
        )
    )
    return (*PLACES, *of_tables)


def place_of(path: str) -> Place | None:
    """The place that a file belongs to, by its path below the lake's root; None if undeclared."""
    return next((place for place in places() if fnmatchcase(path, place.pattern)), None)


def undeclared_files(root: str) -> list[str]:
    """Files of a local lake that belong to no place, sorted."""
    folder = Path(root)
    paths = (each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file())
    return sorted(path for path in paths if place_of(path) is None)
