"""The process that holds the licence index, and answers one text after the other.

It reads requests from its input, one JSON object a line, and writes an answer a line. The index is
loaded once; a forked child, which shares its memory, does the work under a limit of CPU seconds and
of address space. A text that is too much ends the child, not the process: the next one is forked in
milliseconds. CPU seconds, because a busy machine must not change an answer.

    python -m stackspark.licenses.detector.process MAX_SECONDS MAX_MEMORY_BYTES
"""

import gc
import json
import math
import multiprocessing
import resource
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any, BinaryIO

from stackspark.licenses.detector.answers import CRASHED, OUT_OF_MEMORY, TIMED_OUT, without_answer

READY = b"ready\n"
WALL_FACTOR = 20
"""A child that uses no CPU is given up after this many times its CPU seconds."""

Detect = Callable[[str, bool], dict[str, Any]]


def serve(
    requests: BinaryIO, answers: BinaryIO, detect: Detect, max_seconds: int, max_memory_bytes: int
) -> None:
    """Answer requests until there are no more.

    Args:
        requests: a JSON object a line, with `text` and `is_exact`.
        answers: gets `READY`, then a JSON object for each request.
        detect: answers one text, by exact rules alone or not.
        max_seconds: CPU seconds a text.
        max_memory_bytes: address space that the child may take besides what it was forked with.
    """
    # Else the first collection in the child would touch, and so copy, every page of the index.
    gc.collect()
    gc.freeze()
    answers.write(READY)
    answers.flush()
    worker = _Worker(detect, max_seconds, max_memory_bytes)
    for line in requests:
        answers.write(worker.answer(line) + b"\n")
        answers.flush()
    worker.end()


class _Worker:
    """The child that works, forked when it is needed."""

    def __init__(self, detect: Detect, max_seconds: int, max_memory_bytes: int) -> None:
        self._task = (detect, max_seconds, max_memory_bytes)
        self._wall_seconds = WALL_FACTOR * max_seconds
        self._process: ForkProcess | None = None
        self._pipe: Connection | None = None

    def answer(self, request: bytes) -> bytes:
        pipe = self._pipe or self._start()
        try:
            pipe.send_bytes(request)
            if pipe.poll(self._wall_seconds):
                return pipe.recv_bytes()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            pass
        return json.dumps(without_answer(self._bury())).encode()

    def end(self) -> None:
        """End the child, which waits for nothing but its pipe."""
        if self._process and self._pipe:
            self._pipe.close()
            self._process.join()

    def _bury(self) -> str:
        """Outcome of the text that the child had when it ended."""
        process, pipe = self._process, self._pipe
        assert process is not None
        assert pipe is not None
        process.join(0.5)
        is_stuck = process.is_alive()
        process.kill()
        process.join()
        pipe.close()
        self._process = self._pipe = None
        return TIMED_OUT if is_stuck or process.exitcode == -signal.SIGXCPU else CRASHED

    def _start(self) -> Connection:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._pipe, *self._task))
        self._process.start()
        theirs.close()
        return self._pipe


def _work(
    pipe: Connection, parents: Connection, detect: Detect, max_seconds: int, max_memory_bytes: int
) -> None:
    # The child must not hold the other end, or it would never see its parent's end.
    parents.close()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + max_memory_bytes,) * 2)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    while True:
        try:
            request = json.loads(pipe.recv_bytes())
        except EOFError:
            return
        resource.setrlimit(
            resource.RLIMIT_CPU, (math.ceil(time.process_time() + max_seconds), hard)
        )
        try:
            answer = detect(request["text"], request["is_exact"])
        except MemoryError:
            answer = without_answer(OUT_OF_MEMORY)
        except Exception:
            # Whatever a library makes of a hostile text, it is an outcome of that text.
            answer = without_answer(CRASHED)
        pipe.send_bytes(json.dumps(answer).encode())


def _address_space() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * resource.getpagesize()


def main() -> None:
    """Serve with ScanCode's index."""
    from stackspark.licenses.detector.scancode import LicenseIndex  # noqa: PLC0415

    answers = sys.stdout.buffer
    # What a library prints must not look like an answer.
    sys.stdout = sys.stderr
    index = LicenseIndex()
    serve(sys.stdin.buffer, answers, index.license_of_text, int(sys.argv[1]), int(sys.argv[2]))


if __name__ == "__main__":
    main()
