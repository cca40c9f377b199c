"""What an exception that nobody expected means to a user."""

import errno
import re
from pathlib import Path

import pytest

from stackspark.runtime.failures import describe


def _raised(error: BaseException) -> BaseException:
    """The error with a trace, as a command meets it."""
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "code", "meaning"),
    [
        ("Could not parse Master URL: 'spark:/x'", 2, "Spark knows no such --master"),
        ("java.io.IOException: No space left on device", 5, "the disk is full"),
        (
            "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file file:///l/p",
            3,
            "a file",
        ),
        ("[DELTA_VERSIONS_NOT_CONTIGUOUS] Versions (0, 2) are not", 3, "a table of the lake has"),
        ("java.lang.OutOfMemoryError: Java heap space", 5, "Spark ran out of memory"),
        ("[DELTA_CONCURRENT_APPEND] io.delta ConcurrentAppendException", 6, "another writer"),
        ("org.apache.hadoop.fs.s3a.RemoteFileChangedException: 412", 6, "another writer"),
        ("CHECK constraint blob_id_valid violated", 4, "a table breaks a constraint"),
        ("py4j.protocol.Py4JNetworkError: Answer from Java side is empty", 5, "the Spark session"),
    ],
)
def test_describe_knows_what_spark_says(folder: Path, text: str, code: int, meaning: str) -> None:
    failure = describe(_raised(RuntimeError(f"An error occurred\n\tat x.y.z\n{text}")))
    assert failure.exit_code == code
    assert failure.message.startswith(meaning)
    assert "\n" not in failure.message


def test_describe_hands_on_what_a_task_said(folder: Path) -> None:
    trace = (
        "PythonException: Traceback\n  File x\nstackspark.errors.SetupError: no store; go\n\n\tat"
    )
    failure = describe(_raised(RuntimeError(trace)))
    assert (failure.message, failure.exit_code) == ("no store; go", 5)
    assert list(folder.iterdir()) == [], "it needs no trace"


def test_describe_finds_the_cause_below_the_error() -> None:
    outer = ValueError("task failed")
    outer.__cause__ = _raised(RuntimeError("No space left on device"))
    assert describe(_raised(outer)).exit_code == 5


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (OSError(errno.ENOSPC, "voll"), 5, r"the disk is full: .*"),
        (OSError(errno.EDQUOT, "voll"), 5, r"the disk is full: .*"),
        (FileNotFoundError(errno.ENOENT, "No file", "/x"), 3, r"cannot use /x: No file .*"),
        (KeyError("x"), 1, r"unexpected failure, please report it: KeyError: 'x' .*"),
        (ValueError(), 1, r"unexpected failure, please report it: ValueError: no message .*"),
    ],
)  # fmt: skip
def test_describe_errors_of_python(error: Exception, code: int, line: str) -> None:
    failure = describe(_raised(error))
    assert failure.exit_code == code
    assert re.fullmatch(line, failure.message)


def test_describe_cuts_a_long_message() -> None:
    assert len(describe(_raised(ValueError("x" * 10_000))).message) < 500


def test_describe_keeps_the_trace_in_the_file_that_it_names(folder: Path) -> None:
    message = describe(_raised(ValueError("gone"))).message
    (log,) = folder.iterdir()
    assert message.endswith(f"(details in {log})")
    text = log.read_text(encoding="utf-8")
    assert text.startswith("Traceback")
    assert text.endswith("ValueError: gone\n")


def test_describe_works_without_a_temp_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    message = describe(_raised(ValueError("gone"))).message
    assert message.endswith("(details in no file: the temp folder cannot be written)")
