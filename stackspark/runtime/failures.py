"""Unexpected exceptions as a user meets them: one line and an exit code."""

import errno
import re
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

from stackspark import errors

OF_A_TASK = re.compile(r"stackspark\.errors\.(\w+): (.+)")
"""An error of ours that a task raised, as Spark hands it to the driver."""

DISK_FULL = "the disk is full: free space at the lake and at the temp folder"
KNOWN = (
    (
        r"Could not parse Master URL: '[^']*'",
        2,
        "Spark knows no such --master: say local[N], or the URL of a cluster",
    ),
    (
        r"No space left on device",
        5,
        DISK_FULL,
    ),
    (
        r"java\.lang\.OutOfMemoryError|Java heap space",
        5,
        "Spark ran out of memory: raise the driver's",
    ),
    (
        r"(?:Encountered error while reading|Could not read footer for) file:? \S+",
        3,
        "a file of the lake or of a source is damaged: bring it back from a copy",
    ),
    (
        r"DELTA_(?:VERSIONS_NOT_CONTIGUOUS|TRUNCATED_TRANSACTION_LOG|LOG_FILE_NOT_FOUND\w*)",
        3,
        "a table of the lake has lost entries of its log: bring its _delta_log back from a copy",
    ),
    (
        r"DELTA_.*CONCURRENT|ConcurrentAppendException|RemoteFileChangedException",
        6,
        "another writer changed the lake meanwhile",
    ),
    (
        r"CHECK constraint \S+|DELTA_VIOLATE_CONSTRAINT",
        4,
        "a table breaks a constraint of its contract",
    ),
    (
        r"Py4JNetworkError|Connection refused.*py4j|ConnectionResetError",
        5,
        "the Spark session is gone",
    ),
)


@dataclass(frozen=True)
class Failure:
    """One line for a person and the command's exit code."""

    message: str
    exit_code: int


def describe(error: BaseException) -> Failure:
    """Tell what an exception means; the trace goes to a file that the message names."""
    trace = "".join(traceback.format_exception(error))
    own = OF_A_TASK.search(trace)
    if own:
        return Failure(own[2], getattr(errors, own[1]).exit_code)
    path = _written(trace)
    for pattern, code, meaning in KNOWN:
        found = re.search(pattern, trace)
        if found:
            return Failure(f"{meaning} ({found[0][:250]}; details in {path})", code)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failure(f"{DISK_FULL} (details in {path})", 5)
    if isinstance(error, OSError) and error.filename:
        return Failure(f"cannot use {error.filename}: {error.strerror} (details in {path})", 3)
    first = str(error).strip().splitlines()[:1]
    text = f"{type(error).__name__}: {first[0] if first else 'no message'}"[:300]
    return Failure(f"unexpected failure, please report it: {text} (details in {path})", 1)


def _written(trace: str) -> Path | str:
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="stackspark-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            file.write(trace)
    except OSError:
        return "no file: the temp folder cannot be written"
    return Path(file.name)
