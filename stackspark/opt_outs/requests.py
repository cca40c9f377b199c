"""Requests to be left out: reading them, and asking whether one covers an origin.

One request a row, as CSV (with a header), JSON Lines or YAML (a list of mappings):

| field | meaning |
|---|---|
| id | who asked, or where it is on file; it becomes the evidence in the ledger; may repeat |
| kind | repository, owner, swhid or path |
| value | what is to be left out, see below |
| repository | kind path only: the repository or owner whose paths are meant; all if left out |
| note | free text, ignored |

- repository: ``owner/name`` on any forge, or a URL, or ``host/owner/name``.
- owner: ``owner`` on any forge, or ``host/owner``, or the URL of their page.
- swhid: ``swh:1:cnt:…`` (this content wherever it is) or ``dir``, ``rev``, ``snp``, ``ori`` (the
  origins that have this root directory, revision, snapshot or URL).
- path: a glob such as ``/private/*`` or ``*.pem``; see `glob_regex`.

Letter case never matters.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stackspark.errors import InputError
from stackspark.opt_outs.keys import glob_regex, location_key, origin_keys

KINDS = ("repository", "owner", "swhid", "path")
FIELDS = ("id", "kind", "value", "repository", "note")

_SWHID = re.compile(r"swh:1:(cnt|dir|rev|snp|ori):[0-9a-f]{40}")


@dataclass(frozen=True, kw_only=True)
class OptOutRequest:
    """One request; its fields are the columns of the table that the stages match with.

    `value` is in normal form; `repository` is the normal form of the repository or owner that a
    path request is limited to; `pattern` is the regular expression of a path request.
    """

    request_id: str
    kind: str
    value: str
    repository: str | None = None
    pattern: str | None = None


def opt_out_requests(path: str | Path) -> list[OptOutRequest]:
    """Read a file of requests.

    Raises:
        InputError: if it cannot be read, or a row is not a request; the message names the row.
    """
    rows = _rows(Path(path))
    return [_request(row, f"opt-outs {path}, request {n}") for n, row in enumerate(rows, start=1)]


def is_opted_out(origin_url: str, repo_name: str, requests: Iterable[OptOutRequest]) -> str | None:
    """Id of the least request that covers a whole origin, before anything of it is read."""
    keys = set(origin_keys(origin_url, repo_name))
    covering = (r.request_id for r in requests if f"{r.kind}:{r.value}" in keys)
    return min(covering, default=None)


def _rows(path: Path) -> list[Any]:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"opt-outs {path}: needed a file .csv, .jsonl or .yaml")
    try:
        rows = reader(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, csv.Error, yaml.YAMLError) as error:
        detail = " ".join(str(error).split())
        raise InputError(f"opt-outs {path} cannot be read: {detail}") from None
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise InputError(f"opt-outs {path}: needed a list of requests, found one {_kind(rows)}")
    return rows


def _request(row: Any, where: str) -> OptOutRequest:
    fields = _fields(row, where)
    request_id, kind, value = (fields.get(name, "") for name in ("id", "kind", "value"))
    for name in ("id", "kind", "value"):
        if not fields.get(name):
            raise InputError(f"{where}: needed a text for `{name}`, found none")
    kind = kind.lower()
    if kind not in KINDS:
        raise InputError(f"{where}: needed kind {', '.join(KINDS)}, found {kind!r}")
    repository = fields.get("repository")
    if repository and kind != "path":
        raise InputError(f"{where}: `repository` limits a path; found it with kind {kind}")
    if kind == "path":
        return _path_request(request_id, value, repository, where)
    return OptOutRequest(request_id=request_id, kind=kind, value=_value(kind, value, where))


def _path_request(request_id: str, value: str, repository: str | None, where: str) -> OptOutRequest:
    limit = _location(repository, where) if repository else None
    if limit is None and not value.strip("*?/"):
        raise InputError(f"{where}: path {value!r} covers every file; name a `repository` for it")
    return OptOutRequest(
        request_id=request_id,
        kind="path",
        value=value,
        repository=limit,
        pattern=glob_regex(value),
    )


def _value(kind: str, value: str, where: str) -> str:
    if kind != "swhid":
        key = _location(value, where)
        return key.removeprefix("@") if kind == "owner" else key
    swhid = value.lower().partition(";")[0]
    if not _SWHID.fullmatch(swhid):
        raise InputError(
            f"{where}: needed swh:1:<cnt, dir, rev, snp or ori>:<40 hex digits>, found {value!r}"
        )
    return swhid


def _location(value: str, where: str) -> str:
    """Normal form of a repository or owner; ``owner/*`` is the owner."""
    key = location_key(value.removesuffix("/*"))
    if not key or "*" in key:
        raise InputError(f"{where}: needed owner/name, host/owner/name or a URL, found {value!r}")
    return key


def _fields(row: Any, where: str) -> dict[str, str]:
    if not isinstance(row, dict):
        raise InputError(f"{where}: needed a mapping of {', '.join(FIELDS)}, found {_kind(row)}")
    unknown = [str(name) for name in row if name not in FIELDS]
    if unknown:
        raise InputError(f"{where}: unknown field {unknown[0]!r}; known: {', '.join(FIELDS)}")
    return dict(_texts(row))


def _texts(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in row.items():
        if value is not None and str(value).strip():
            yield name, str(value).strip()


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def _csv_rows(text: str) -> list[Any]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _json_rows(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


READERS: Mapping[str, Callable[[str], Any]] = {
    ".csv": _csv_rows,
    ".jsonl": _json_rows,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
}
"""How a file is read, by its suffix."""
