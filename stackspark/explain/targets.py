"""Targets of `explain`: a file by repository and path, a SWHID, a hash, or the end of a path."""

import re
from dataclasses import dataclass
from itertools import islice

from pyspark.sql import Column
from pyspark.sql import functions as F

from stackspark.errors import InputError, UsageError
from stackspark.swhid import QualifiedSWHID, parse_qualified_swhid

MAX_SPLITS = 64
"""Places at which one target is cut into repository and path; paths are not that deep."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A parsed target.

    Attributes:
        text: as the user wrote it.
        ids: the hash that the bytes have, as blob_id or content_id; None for names.
        directory_id: root directory, where a SWHID names one.
        origin_url: origin, where a SWHID names one.
        path: path from the root, where a SWHID names one.
        splits: ways to read a name as (repository, path from the root).
        pattern: SQL LIKE pattern of the end of a path; None where a name must be REPOSITORY:PATH.
    """

    text: str
    blob_id: str | None = None
    content_id: str | None = None
    directory_id: str | None = None
    origin_url: str | None = None
    path: str | None = None
    splits: tuple[tuple[str, str], ...] = ()
    pattern: str | None = None

    @property
    def is_name(self) -> bool:
        """Whether it names a repository or path, and no hash."""
        return self.blob_id is None and self.content_id is None and self.directory_id is None


def parse_target(text: str) -> Target:
    """Parse what the user wrote.

    Raises:
        InputError: it is empty, or a SWHID that names no file.
    """
    text = text.strip()
    if not text:
        raise InputError("needed REPOSITORY:PATH, a SWHID, a SHA-1 or a path; found nothing")
    if text.startswith("swh:"):
        return _swhid_target(text)
    if re.fullmatch("[0-9a-fA-F]{40}", text):
        return Target(text=text, blob_id=text.lower(), content_id=text.lower())
    after_scheme = text.find("://") + 3 if "://" in text else 0
    has_repository = ":" in text[after_scheme:]
    splits = _splits(text, after_scheme, ":") or _splits(text, after_scheme, "/")
    if has_repository:
        splits += _splits(text, after_scheme, "/")
    return Target(text=text, splits=splits, pattern=None if has_repository else _like(text))


def _swhid_target(text: str) -> Target:
    try:
        swhid = parse_qualified_swhid(text)
    except UsageError as error:
        raise InputError(f"cannot explain {text!r}: {error}") from None
    path = None if swhid.path is None else swhid.path.decode("utf-8", "backslashreplace")
    core = swhid.core
    if core.object_type == "cnt":
        return Target(
            text=text,
            content_id=core.object_id,
            directory_id=_anchored_directory(swhid),
            origin_url=swhid.origin,
            path=path,
        )
    if core.object_type == "dir" and path is not None:
        return Target(text=text, directory_id=core.object_id, path=path, origin_url=swhid.origin)
    raise InputError(
        f"cannot explain {text!r}: it names no file; "
        "needed swh:1:cnt:<id>, or swh:1:dir:<id>;path=/<path>"
    )


def _anchored_directory(swhid: QualifiedSWHID) -> str | None:
    anchor = swhid.anchor
    return anchor.object_id if anchor is not None and anchor.object_type == "dir" else None


def _splits(text: str, start: int, separator: str) -> tuple[tuple[str, str], ...]:
    """Every way to cut the text at a separator into a repository and a path."""
    places = (match.start() for match in re.finditer(re.escape(separator), text))
    cuts = ((text[:place], text[place + 1 :]) for place in places if place >= start)
    named = ((repo, f"/{path.lstrip('/')}") for repo, path in cuts if repo and path.strip("/"))
    return tuple(islice(named, MAX_SPLITS))


def _like(text: str) -> str:
    """The end of a path, or a glob with * and ?, as a LIKE pattern."""
    escaped = re.sub(r"[\\%_]", r"\\\g<0>", text.lstrip("/"))
    return "%/" + escaped.replace("*", "%").replace("?", "_")


def matches(target: Target) -> Column:
    """Condition on rows of `files` for a target that is no name."""
    conditions = [
        F.col(column) == value
        for column, value in (("directory_id", target.directory_id), ("path", target.path))
        if value is not None
    ]
    if target.blob_id is not None:
        conditions.append(
            (F.col("blob_id") == target.blob_id) | (F.col("content_id") == target.content_id)
        )
    elif target.content_id is not None:
        conditions.append(F.col("content_id") == target.content_id)
    met = conditions[0]
    for condition in conditions[1:]:
        met = met & condition
    return met
