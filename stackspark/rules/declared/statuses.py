"""Contents that are no text: pointers, too large, binary, of unknown encoding, empty."""

from dataclasses import dataclass
from functools import partial

from pyspark.sql import functions as F

from stackspark.rules.rule import Rule, Verdict

SECTION = "statuses"
SOURCE = "The Stack v2's download script; its limit is one on the uncompressed length here"


@dataclass(frozen=True, kw_only=True)
class StatusesParams:
    """The limit by which contents were called too large when they were fetched."""

    max_length_bytes: int = 10 * 1024 * 1024


def _too_large(params: StatusesParams) -> Verdict:
    return Verdict(
        fails=F.col("status") == "too_large",
        value=F.col("length_bytes"),
        limit=params.max_length_bytes,
    )


def _has_status(_: StatusesParams, status: str) -> Verdict:
    return Verdict(fails=F.col("status") == status)


def _empty(_: StatusesParams) -> Verdict:
    # A text that is nothing but a byte-order mark has bytes, and no character.
    return Verdict(fails=(F.col("status") == "empty") | (F.col("num_chars") == 0))


LFS_POINTER = Rule(
    name="lfs_pointer",
    title="Pointer of Git LFS",
    description="Stands for a file that is stored elsewhere.",
    source="Git LFS, docs/spec.md",
    section=SECTION,
    verdicts={"blob": partial(_has_status, status="lfs_pointer")},
)
TOO_LARGE = Rule(
    name="too_large",
    title="Too large",
    description="Longer than the limit on one file.",
    quantity="length",
    unit="bytes",
    source=SOURCE,
    section=SECTION,
    verdicts={"blob": _too_large},
)
BINARY = Rule(
    name="binary",
    title="Binary",
    description="The bytes are not text.",
    source=SOURCE,
    section=SECTION,
    verdicts={"blob": partial(_has_status, status="binary")},
)
UNDECODABLE = Rule(
    name="undecodable",
    title="Unknown encoding",
    description="No character encoding turns the bytes into text.",
    source=SOURCE,
    section=SECTION,
    verdicts={"blob": partial(_has_status, status="undecodable")},
)
EMPTY = Rule(
    name="empty",
    title="Empty",
    description="No text at all.",
    source=SOURCE,
    section=SECTION,
    verdicts={"blob": _empty},
)
