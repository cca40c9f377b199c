"""A slow exact oracle of verdicts: one file at a time, in plain loops."""

from typing import Any, NamedTuple

from stackspark.rules.catalog import RULE_ORDER


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


class Copy(NamedTuple):
    """A surviving file with all that copies are compared by; dates as years, None if unknown."""

    directory_id: str
    path: str
    blob_id: str
    license_type: str | None
    repo_name: str
    stars: int
    forks: int
    revision: int | None
    visit: int | None


LICENSE_TYPES = ["permissive", "no_license", "non_permissive"]
SANE_YEARS = range(1971, 2100)


def standing(copy: Copy, criterion: str) -> float:
    """How good a copy is by one criterion: less is better, unknown is last."""
    if criterion == "license_type":
        known = copy.license_type in LICENSE_TYPES
        return LICENSE_TYPES.index(str(copy.license_type)) if known else len(LICENSE_TYPES)
    if criterion in ("stars", "forks"):
        return -copy.stars if criterion == "stars" else -copy.forks
    direction, date = criterion.split("_")
    year = copy.revision if date == "revision" else copy.visit
    if year not in SANE_YEARS:
        return float("inf")
    return -year if direction == "newest" else year


def keep_order(copy: Copy, copies: list[Copy], criteria: list[str], whole: bool) -> list[Any]:
    """Sort key of a copy before names and hashes decide; `copies` are all that compete."""
    own = [standing(copy, criterion) for criterion in criteria]
    if not whole:
        return own
    neighbours = [other for other in copies if other.directory_id == copy.directory_id]
    best = [min(standing(other, criterion) for other in neighbours) for criterion in criteria]
    licensed = [standing(copy, name) for name in criteria if name == "license_type"]
    return [*best, -len(neighbours), copy.directory_id, *licensed]
