"""A licence detector for a task: a process of its own, and few of them on a machine.

Every process holds 1.4 GB, so a task waits for one of as many places as a quarter of the machine's
memory has room for. A place is a locked file, which the system frees when its holder dies.
"""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from stackspark.errors import SetupError
from stackspark.licenses.detector.answers import CRASHED, without_answer
from stackspark.licenses.detector.process import READY
from stackspark.runtime.session import machine_memory_bytes

BYTES_PER_DETECTOR = 2 << 30
WAIT_SECONDS = 0.2


def num_places() -> int:
    """How many detectors may run on this machine at a time."""
    return max(1, machine_memory_bytes() // 4 // BYTES_PER_DETECTOR)


@contextmanager
def license_detector(max_seconds: int, max_memory_bytes: int) -> Iterator["LicenseDetector"]:
    """A detector, once there is a place for it; it ends with the context.

    Raises:
        SetupError: the detector does not start.
    """
    with _place():
        detector = LicenseDetector(max_seconds, max_memory_bytes)
        try:
            yield detector
        finally:
            detector.close()


class LicenseDetector:
    """One process; started again if it dies of a text."""

    def __init__(self, max_seconds: int, max_memory_bytes: int) -> None:
        self._limits = (str(max_seconds), str(max_memory_bytes))
        self._process = self._start()

    def license_of_text(self, text: str, is_exact: bool = False) -> dict[str, Any]:
        """Answer a text, as `stackspark.licenses.detector.answers.DETECTED` has it."""
        request = json.dumps({"text": text, "is_exact": is_exact}).encode() + b"\n"
        try:
            requests, answers = _pipes(self._process)
            requests.write(request)
            requests.flush()
            answer = answers.readline()
        except BrokenPipeError:
            answer = b""
        if answer:
            return dict(json.loads(answer))
        # Not the child but the process went, as when the system is out of memory.
        self.close()
        self._process = self._start()
        return without_answer(CRASHED)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in _pipes(self._process):
            # A process that went by itself has left of its last request what nobody reads.
            with suppress(BrokenPipeError):
                pipe.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "stackspark.licenses.detector.process", *self._limits]
        # Spark's workers may have the package from an archive that only they know of.
        separator = os.pathsep
        path = separator.join(filter(None, sys.path))
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": path},
            )
            if _pipes(process)[1].readline() == READY:
                return process
            process.kill()
            process.wait()
            errors.seek(0)
            lines = errors.read().decode("utf-8", "replace").strip().splitlines()
        said = lines[-1] if lines else "it ended without a word"
        raise SetupError(
            f"the licence detector did not start: {said}; "
            "it needs the extra licenses and 2 GB of memory: pip install 'stackspark[licenses]', "
            "or set license_texts.detector to built_in"
        )


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


@contextmanager
def _place() -> Iterator[None]:
    """One of the machine's places for detectors; waits until one is free."""
    folder = Path(tempfile.gettempdir()) / f"stackspark-detectors-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    # Nothing is written; "w" would empty what somebody else may have linked there.
    files = [(folder / f"place-{number}").open("a") for number in range(num_places())]
    try:
        while not any(map(_locked, files)):
            time.sleep(WAIT_SECONDS)
        yield
    finally:
        for file in files:
            file.close()


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
