"""The process that holds the index: one text after the other, whatever a text does to it."""

import io
import json
import os
import signal
import time
from collections.abc import Sequence
from typing import Any

from stackspark.licenses.detector.process import READY, serve

MEBIBYTE = 1 << 20


def detect(text: str, is_exact: bool) -> dict[str, Any]:
    """A detector that hostile texts can slow down, fill and crash."""
    if text == "endless":
        while True:
            pass
    if text == "busy":
        until = time.process_time() + 0.4
        while time.process_time() < until:
            pass
    if text == "huge":
        return {"expression": "x" * (200 * MEBIBYTE)}
    if text == "raises":
        raise RecursionError("too deep")
    if text == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"outcome": "detected", "expression": text.upper()}


def answers(texts: Sequence[str], max_seconds: int = 1) -> list[dict[str, Any]]:
    requests = io.BytesIO(
        b"".join(json.dumps({"text": text, "is_exact": False}).encode() + b"\n" for text in texts)
    )
    written = io.BytesIO()
    serve(requests, written, detect, max_seconds, 64 * MEBIBYTE)
    ready, *lines = written.getvalue().splitlines(keepends=True)
    assert ready == READY
    return [json.loads(line) for line in lines]


def test_serve_answers_in_order_and_survives_every_text() -> None:
    texts = ["mit", "endless", "isc", "huge", "zlib", "raises", "dies", "two\nlines é"]
    found = answers(texts)
    assert [answer["outcome"] for answer in found] == [
        "detected",
        "timed_out",
        "detected",
        "out_of_memory",
        "detected",
        "crashed",
        "crashed",
        "detected",
    ]
    assert [answer["expression"] for answer in found] == [
        "MIT",
        None,
        "ISC",
        None,
        "ZLIB",
        None,
        None,
        "TWO\nLINES É",
    ]


def test_serve_gives_each_text_its_own_seconds() -> None:
    # The system's limit is one of the process's life: it has to move on with every text.
    assert {a["outcome"] for a in answers(["busy"] * 6)} == {"detected"}


def test_serve_of_no_requests_is_ready_and_ends() -> None:
    assert answers([]) == []
