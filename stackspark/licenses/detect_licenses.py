"""Licence texts -> `license_texts`: what a detector says of each, with the matches behind it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.errors import InvalidParamsError, MissingExtraError
from stackspark.licenses.detector.answers import (
    BUILT_IN,
    DETECTED,
    HEADER,
    NO_TEXT,
    SCANCODE,
    Detector,
    copyright_holders,
    found,
    without_answer,
)
from stackspark.licenses.detector.built_in import BUILT_IN_VERSION, license_of_text
from stackspark.licenses.detector.client import license_detector
from stackspark.licenses.detector.scancode import scancode_version
from stackspark.runtime.sizes import NumBytes

TEXTS_PER_TASK = 4000
"""Some 40 seconds of work for a task that has to load ScanCode's index, which takes 8 seconds."""

Answer = dict[str, Any]
Ask = Callable[[str, bool], Answer]
"""Answers a text, by exact rules alone or not."""


@dataclass(frozen=True, kw_only=True)
class DetectLicensesParams:
    """Who reads licence texts.

    Attributes:
        detector: scancode (the extra `licenses`), or built_in, which knows some forty licences.
        headers: whether licences written out in the first 60 lines of other files count for these
            files; ScanCode's exact rules read them, 2 ms a file that speaks of a licence.
        max_seconds: CPU seconds that ScanCode may take for one text.
        max_memory_bytes: what it may take for one text, besides its index.
    """

    detector: Detector = SCANCODE
    headers: bool = False
    max_seconds: int = 60
    max_memory_bytes: NumBytes = 1 << 30

    def __post_init__(self) -> None:
        if self.max_seconds < 1 or self.max_memory_bytes < 1:
            raise InvalidParamsError("license_texts: limits of time and memory must be positive")

    @property
    def version(self) -> str:
        """Names everything that an answer depends on.

        Raises:
            MissingExtraError: the detector is not installed.
        """
        if self.detector == BUILT_IN:
            return BUILT_IN_VERSION
        version = scancode_version()
        if version is None:
            raise MissingExtraError(
                "license_texts.detector=scancode needs the extra licenses, which is not installed: "
                "pip install 'stackspark[licenses]', or --set license_texts.detector=built_in"
            )
        return f"{version}/{self.max_seconds}s/{self.max_memory_bytes >> 20}MiB"


def detect_licenses(
    texts: DataFrame, params: DetectLicensesParams = DetectLicensesParams(), num_tasks: int = 1
) -> DataFrame:
    """Ask the detector for every text; a text that is too much for it has an outcome that says so.

    Args:
        texts: one row per text (`blob_id`, `part`, `license_text`).
        params: the detector and its limits.
        num_tasks: into how many tasks the texts are brought together.

    Returns:
        One row per text, as `DETECTED` has it. The rows are to be stored before they are read
        twice, since detection is what takes time.
    Shuffles: the texts of licence files, by blob_id.
    """
    brought = texts.select("blob_id", "part", "license_text").repartition(num_tasks, "blob_id")
    return brought.mapInArrow(partial(_detect, params=params), from_arrow_schema(DETECTED))


def _detect(
    batches: Iterator[pa.RecordBatch], params: DetectLicensesParams
) -> Iterator[pa.RecordBatch]:
    with ExitStack() as stack:
        ask: Ask | None = None
        for batch in batches:
            if not batch.num_rows:
                continue
            if ask is None:
                ask = _detector(params, stack)
            answers = [{**row, **_answer(ask, row)} for row in batch.to_pylist()]
            yield pa.RecordBatch.from_pylist(answers, schema=DETECTED)


def _detector(params: DetectLicensesParams, stack: ExitStack) -> Ask:
    if params.detector == BUILT_IN:
        return lambda text, _: found(license_of_text(text), BUILT_IN)
    limits = (params.max_seconds, params.max_memory_bytes)
    return stack.enter_context(license_detector(*limits)).license_of_text


def _answer(ask: Ask, row: dict[str, Any]) -> Answer:
    text, is_header = row["license_text"], row["part"] == HEADER
    answer = ask(text, is_header) if text.strip() else without_answer(NO_TEXT)
    return {**answer, "holders": copyright_holders(text)}
