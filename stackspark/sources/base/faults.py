"""Faults of table rows: the first of several conditions that holds names what is wrong."""

from pyspark.sql import Column
from pyspark.sql import functions as F

Case = tuple[Column, str, Column | str]
"""A condition (null counts as false), its `error_class`, and its message, which is never null."""


def first_fault(*cases: Case) -> tuple[Column, Column]:
    """`error_class` and `message` of the first case that holds; both null where none does."""
    classes = [F.when(holds, error_class) for holds, error_class, _ in cases]
    messages = [F.when(holds, message) for holds, _, message in cases]
    return F.coalesce(*classes).alias("error_class"), F.coalesce(*messages).alias("message")
