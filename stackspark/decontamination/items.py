"""Benchmark items, read from JSONL or Parquet."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stackspark.decontamination.matcher import BenchmarkItem
from stackspark.errors import InputError

COLUMNS = ("benchmark", "item_id", "field", "text")


def read_benchmarks(path: str | None) -> list[BenchmarkItem]:
    """Read every item below a path; a benchmark set is small, so the driver holds it.

    Args:
        path: a JSONL or Parquet file, or a folder of them; None for no benchmarks.

    Raises:
        InputError: the path is missing or a row lacks one of the columns benchmark, item_id, field
            and text; the message names file and line.
    """
    if path is None:
        return []
    place = Path(path)
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    readable = [file for file in files if file.suffix in (".jsonl", ".json", ".parquet")]
    if not place.exists() or not readable:
        raise InputError(f"benchmarks.path: needed JSONL or Parquet files, found none at {path}")
    return [_item(row, where) for file in readable for where, row in _rows(file)]


def _rows(file: Path) -> Iterator[tuple[str, Any]]:
    return _parquet_rows(file) if file.suffix == ".parquet" else _json_rows(file)


def _json_rows(file: Path) -> Iterator[tuple[str, Any]]:
    number = 0
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield f"{file}, line {number}", json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(
            f"benchmarks.path: {file}, line {number} is not JSON: {error.msg}"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"benchmarks.path: {file} is not readable JSONL: {error}") from None


def _parquet_rows(file: Path) -> Iterator[tuple[str, Any]]:
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"benchmarks.path: {file} is not readable Parquet: {error}") from None
    for number, row in enumerate(table.to_pylist(), 1):
        yield f"{file}, row {number}", row


def _item(row: Any, where: str) -> BenchmarkItem:
    values = row if isinstance(row, dict) else {}
    missing = [name for name in COLUMNS if values.get(name) is None]
    if missing:
        raise InputError(
            f"benchmarks.path: {where} needs {', '.join(COLUMNS)}; {', '.join(missing)} missing"
        )
    return BenchmarkItem(**{name: str(values[name]) for name in COLUMNS})
