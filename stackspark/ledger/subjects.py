"""Column expressions that more than one stage shares: subject ids of the ledger and file names."""

from pyspark.sql import Column
from pyspark.sql import functions as F

GRAINS = ("origin", "content", "blob", "named_blob", "file")
"""Grains of a verdict, as `schemas/ledger.yaml` defines them."""


def named_blob_subject(blob_id: str = "blob_id", name: str = "name") -> Column:
    """Subject of a verdict on a blob under one base name: ``<blob_id>/<name>``."""
    return F.concat(F.col(blob_id), F.lit("/"), F.col(name))


def file_subject(directory_id: str = "directory_id", path: str = "path") -> Column:
    """Subject of a verdict on one file: ``<directory_id><path>``; a path starts with a slash."""
    return F.concat(F.col(directory_id), F.col(path))


def subjects() -> dict[str, Column]:
    """Subject of each grain below the origin, as an expression over a row of `files`."""
    return {
        "content": F.col("content_id"),
        "blob": F.col("blob_id"),
        "named_blob": named_blob_subject(),
        "file": file_subject(),
    }


def is_object_id(name: str) -> Column:
    """Whether a text is 40 hex digits in lower case; null where it is."""
    return F.rlike(name, F.lit("^[0-9a-f]{40}$"))


def is_usable_name(name: str) -> Column:
    """Whether the bytes of a directory entry's name may be part of a path, as git has it."""
    column = F.col(name)
    forbidden = [F.contains(column, F.lit(byte)) for byte in (b"/", b"\0")]
    reserved = [column == F.lit(text) for text in (b"", b".", b"..")]
    bad = reserved[0]
    for condition in (*reserved[1:], *forbidden):
        bad = bad | condition
    return ~bad
