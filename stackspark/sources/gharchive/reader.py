"""Reader of GH Archive: hourly files of events, one JSON object a line -> rows of `events.EVENTS`.

A line that is no event, and the rest of a file that is cut off or corrupt, are lost and nothing
else; each file counts its own. Repeated files and events change nothing, because
`repositories.describe_repositories` counts an event once.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.contracts.tables import table_contract
from stackspark.errors import InputError, SetupError
from stackspark.runtime.storage.filesystems import exists, files_at, located
from stackspark.runtime.storage.s3 import is_s3
from stackspark.sources.archives.streams import open_stream
from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.limits import MIB, Limits
from stackspark.sources.gharchive.events import EVENTS, EventRows

ENDINGS = (".json.gz", ".json", ".jsonl", ".jsonl.gz")
MAX_LINE_BYTES = 64 * 1024 * 1024
"""The largest events of pull requests take a few megabytes."""

READ_BYTES = 4 * MIB
"""Each reading of a file in an object store is a request."""

BATCH_ROWS = 20_000

FILES_DDL = "source string not null, key string not null, path string not null, task int not null"
"""Columns of a table of archive files: the recipe's location, the name below it, where the file
lies, and its task."""

FILE = pa.struct(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("num_lines", pa.int64(), nullable=False),
        pa.field("num_events", pa.int64(), nullable=False),
        pa.field("num_apart", pa.int64(), nullable=False),
        pa.field("num_broken", pa.int64(), nullable=False),
        pa.field("first_broken", pa.string()),
        pa.field("error_class", pa.string()),
        pa.field("message", pa.string()),
    ]
)
"""Outcome of a file. `num_apart` events name no repository; `first_broken` describes the first of
`num_broken` lines; class and message say why the file could not be read to its end."""

READ = pa.schema([pa.field("event", pa.struct(list(EVENTS))), pa.field("file", FILE)])
"""Exactly one of the two is set."""

READ_SCHEMA = from_arrow_schema(READ)


def expand_archives(locations: Iterable[str]) -> list[tuple[str, str, str, int]]:
    """Find the files of all locations, on the driver; a file named twice counts once.

    Returns:
        Rows of `FILES_DDL`, a task for each.
    Raises:
        InputError: if a location is missing or holds no file of events.
    """
    by_path: dict[str, tuple[str, str]] = {}
    for location in locations:
        for path, key in _files(location):
            by_path.setdefault(path, (f"gharchive:{location}", key))
    return [(*names, path, task) for task, (path, names) in enumerate(by_path.items())]


def read_events(files: DataFrame, num_tasks: int, limits: Limits) -> DataFrame:
    """Read files of events.

    Args:
        files: rows of `FILES_DDL`, a file once.
        num_tasks: tasks that share the files evenly.
        limits: against compressed bombs.

    Returns:
        Rows of `READ_SCHEMA`; a repository may have several rows `seen` under one name.
    Shuffles: the names of the files.
    """
    read = partial(_read, limits=limits)
    return files.repartitionById(num_tasks, F.col("task") % num_tasks).mapInArrow(read, READ_SCHEMA)


def quarantine_event_files(files: DataFrame) -> DataFrame:
    """Record files that end too early, and lines that are no event.

    Args:
        files: rows of `FILE`, one per file.

    Returns:
        Rows of `quarantine` in contract order, at most two per file.
    Shuffles: none.
    """
    lines = "%d of %d lines are no event, the first one is %s"
    message = F.format_string(lines, "num_broken", "num_lines", "first_broken")
    torn = files.where(F.col("error_class").isNotNull())
    broken = files.where(F.col("num_broken") > 0).withColumns(
        {"error_class": F.lit("broken_lines"), "message": message}
    )
    columns = table_contract("quarantine").column_names
    return torn.unionByName(broken).withColumn("grain", F.lit("entry")).select(*columns)


def _files(location: str) -> list[tuple[str, str]]:
    """Path of each file, as a task opens it, and its name below the location."""
    try:
        if not exists(location):
            raise InputError(f"gharchive: there is no file or folder {location}; check the path")
        inside, paths = located(location)[1], [file.path for file in files_at(location)]
    except (OSError, ValueError) as error:
        line = " ".join(str(error).split())
        raise InputError(f"gharchive: {location} cannot be listed: {line}") from error
    if paths == [inside]:
        return [(location if "://" in location else inside, inside.rpartition("/")[2])]
    root = location.rstrip("/") if "://" in location else inside
    keys = [path[len(inside) :].lstrip("/") for path in paths if path.endswith(ENDINGS)]
    if not keys:
        needed = "files such as 2015-01-01-0.json.gz"
        raise InputError(f"gharchive: needed {needed}, found none below {location}")
    return [(f"{root}/{key}", key) for key in sorted(keys)]


def _read(files: Iterable[pa.RecordBatch], limits: Limits) -> Iterator[pa.RecordBatch]:
    for batch in files:
        for file in batch.to_pylist():
            yield from _EventFile(file).batches(limits)


class _EventFile:
    """One file, read from its begin to its end."""

    def __init__(self, file: Mapping[str, Any]) -> None:
        self._path: str = file["path"]
        self._rows = EventRows()
        self._outcome: dict[str, Any] = dict.fromkeys(FILE.names)
        self._outcome |= {name: file[name] for name in ("source", "key")}
        self._outcome |= {"num_lines": 0, "num_broken": 0}

    def batches(self, limits: Limits) -> Iterator[pa.RecordBatch]:
        try:
            filesystem, inside = located(self._path)
            with io.BufferedReader(filesystem.open_input_file(inside), READ_BYTES) as file:
                stream, _ = open_stream(file, limits)
                for line in _lines(stream):
                    self._add(line)
                    if len(self._rows) >= BATCH_ROWS:
                        yield _event_batch(self._rows.batch())
        except SourceFault as fault:
            self._fail(fault.error_class.replace("archive", "file"), fault.message)
        except OSError as error:
            if is_s3(self._path):
                # A fault of the store or the network passes: the file must not be quarantined.
                raise _unreachable(self._path, error) from error
            self._fail("unreadable", str(error))
        if len(self._rows):
            yield _event_batch(self._rows.batch())
        self._outcome |= {"num_events": self._rows.num_events, "num_apart": self._rows.num_apart}
        yield pa.RecordBatch.from_pylist([{"event": None, "file": self._outcome}], READ)

    def _add(self, line: bytes | None) -> None:
        self._outcome["num_lines"] += 1
        try:
            if line is None:
                raise ValueError(f"it has more than {MAX_LINE_BYTES} bytes")
            self._rows.add_line(line)
        except ValueError as error:
            self._outcome["num_broken"] += 1
            first = f"line {self._outcome['num_lines']}: {' '.join(str(error).split())}"
            self._outcome["first_broken"] = self._outcome["first_broken"] or first

    def _fail(self, error_class: str, message: str) -> None:
        self._outcome |= {"error_class": error_class, "message": " ".join(message.split())}


def _unreachable(path: str, error: OSError) -> SetupError:
    line = " ".join(str(error).split())
    return SetupError(f"gharchive: {path} cannot be read: {line}; check the network and run again")


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Lines; None in place of one that is too long to hold."""
    while line := stream.readline(MAX_LINE_BYTES):
        if len(line) < MAX_LINE_BYTES or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES)
        yield None


def _event_batch(events: pa.RecordBatch) -> pa.RecordBatch:
    struct = pa.StructArray.from_arrays(events.columns, fields=list(EVENTS))
    nothing = pa.nulls(len(struct), FILE)
    return pa.RecordBatch.from_arrays([struct, nothing], schema=READ)
