"""A container: one repository, directory, archive or installed distribution of a source."""

from dataclasses import dataclass
from datetime import datetime

CONTAINERS_DDL = (
    "source string not null, kind string not null, location string not null, ref string, "
    "origin_url string not null, repo_name string not null, visit_date timestamp, "
    "size_bytes bigint, task int not null"
)
"""Columns of a table of containers: the fields of `Container`."""


@dataclass(frozen=True, kw_only=True)
class Container:
    """One repository, directory, archive or installed distribution: one origin.

    `location` is absolute; `size_bytes` is its size on disk, None where only a walk would find it;
    `task` is the number of the task that lists it.
    """

    source: str
    kind: str
    location: str
    ref: str | None
    origin_url: str
    repo_name: str
    visit_date: datetime | None
    size_bytes: int | None
    task: int = 0
