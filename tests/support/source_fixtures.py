"""Builders of sources for tests, and listing and fetching without Spark."""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from swh.model.from_disk import Directory

from stackspark.sources.base.container import Container
from stackspark.sources.base.limits import Limits
from stackspark.sources.base.specs import parse_source
from stackspark.sources.fetching.fetch import FetchParams, fetch_units
from stackspark.sources.listing.assemble import assemble_containers
from stackspark.sources.listing.containers import expand_sources
from stackspark.sources.listing.hash_files import hash_files
from stackspark.sources.listing.rows import HASHED
from stackspark.sources.listing.walk import walk_containers

GIT_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "@1500000000 +0200",
    "GIT_COMMITTER_NAME": "C",
    "GIT_COMMITTER_EMAIL": "c@example.org",
    "GIT_COMMITTER_DATE": "@1600000000 -0330",
}
UNIT_BYTES = 1024 * 1024


class Listed(NamedTuple):
    """What listing gives, as plain rows."""

    origins: list[dict[str, Any]]
    files: list[dict[str, Any]]
    quarantine: list[dict[str, Any]]

    @property
    def paths(self) -> list[str]:
        return [file["path"] for file in self.files]

    @property
    def problems(self) -> list[tuple[str, str]]:
        return [(row["grain"], row["error_class"]) for row in self.quarantine]

    @property
    def root_id(self) -> str:
        (origin,) = self.origins
        return str(origin["directory_id"])


def git(folder: Path, *arguments: str, data: bytes = b"", **environment: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=GIT_ENVIRONMENT | environment,
        input=data,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def make_repository(folder: Path, files: dict[str, str], *options: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main", *options)
    commit(folder, files)
    return folder


def commit(folder: Path, files: dict[str, str], message: str = "change") -> str:
    write_files(folder, files)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def write_files(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def swh_root_id(folder: Path) -> str:
    """Root id as Software Heritage's own library computes it."""
    return Directory.from_disk(path=os.fsencode(folder), max_content_length=None).hash.hex()


def list_locally(
    source: str | Iterable[Container], limits: Limits | None = None, unit_bytes: int = UNIT_BYTES
) -> Listed:
    """List in this process: the three steps, with Python's sort between them."""
    containers = expand_sources([parse_source(source)]) if isinstance(source, str) else source
    given = pa.RecordBatch.from_pylist([asdict(container) for container in containers])
    walked = walk_containers([given], limits or Limits(), unit_bytes)
    rows = [row for batch in hash_files(walked) for row in batch.to_pylist()]
    rows.sort(key=_order)
    listed = Listed([], [], [])
    kinds = {"origin": listed.origins, "file": listed.files, "quarantine": listed.quarantine}
    batches = [pa.RecordBatch.from_pylist(rows, HASHED)] if rows else []
    for batch in assemble_containers(batches):
        for row in batch.to_pylist():
            kinds[row["kind"]].append(row[row["kind"]])
    return listed


def fetch_locally(files: Iterable[dict[str, Any]], **params: Any) -> dict[str, dict[str, Any]]:
    """Fetch in this process; contents by their content_id."""
    rows = [{"content_id": file["content_id"], **file["locator"]} for file in files]
    rows.sort(key=lambda row: (row["location"], row["unit"], row["position"], row["member"] or b""))
    batches = [pa.RecordBatch.from_pylist(rows)] if rows else []
    fetched = fetch_units(batches, FetchParams(**params))
    return {row["content_id"]: row for batch in fetched for row in batch.to_pylist()}


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    position = row["locator"]["position"] if row["locator"] else -1
    return (
        row["container"],
        row["path"],
        row["row"],
        position,
        row["content_id"] or "",
        row["message"] or "",
    )
