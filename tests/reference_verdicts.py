"""A slow exact oracle of verdicts: one file at a time, in plain loops."""

from typing import Any, NamedTuple

from stackspark.rules import RULE_ORDER


class File(NamedTuple):
    """A row of `files`."""

    directory_id: str
    path: str
    name: str
    blob_id: str | None
    content_id: str
    length_bytes: int | None


class Verdict(NamedTuple):
    """The columns of `ledger` that decide."""

    grain: str
    subject_id: str
    rule: str


def resolved(file: File, urls: dict[str, str], ledger: list[Verdict]) -> tuple[str, str | None]:
    """(status, cause) of a file before duplicates."""
    subjects = {
        ("origin", urls[file.directory_id]),
        ("content", file.content_id),
        ("blob", file.blob_id),
        ("named_blob", f"{file.blob_id}/{file.name}"),
        ("file", file.directory_id + file.path),
    }
    rules = [verdict.rule for verdict in ledger if (verdict.grain, verdict.subject_id) in subjects]
    if rules:
        return "removed", min(rules, key=RULE_ORDER.index)
    return ("quarantined" if file.blob_id is None else "survivor"), None


def finalized(
    files: list[File],
    before: dict[tuple[str, str], tuple[str, str | None]],
    chosen: dict[str, tuple[str, str]],
    near: dict[str, tuple[str, str]],
) -> dict[tuple[str, str], tuple[Any, ...]]:
    """(status, cause, kept directory, kept path, kept blob) of every file.

    Args:
        files: all files.
        before: status and cause by (directory_id, path).
        chosen: the representative of each surviving blob.
        near: (kept blob, rule) by removed blob.
    """
    found: dict[tuple[str, str], tuple[Any, ...]] = {}
    for file in files:
        key = (file.directory_id, file.path)
        status, cause = before[key]
        if status != "survivor" or file.blob_id is None:
            found[key] = (status, cause, None, None, None)
            continue
        kept, rule = near.get(file.blob_id, (file.blob_id, None))
        reason = rule if chosen[file.blob_id] == key else "exact_duplicate"
        twin = (*chosen[kept], kept) if reason else (None, None, None)
        found[key] = ("removed" if reason else "kept", reason, *twin)
    return found
