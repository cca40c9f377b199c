"""Families of duplicates: a file that stays, and what went because it stays."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class NamedFile:
    """One file that holds a blob, for people."""

    blob_id: str
    repo_name: str
    path: str
    language: str | None = None
    similarity: float | None = None


@dataclass(frozen=True, kw_only=True)
class FamilyRow:
    """A kept file and what went because it stays; `kind` is near (blobs) or exact (files)."""

    kind: str
    kept: NamedFile
    num_members: int
    examples: tuple[NamedFile, ...]
