"""Parquet files that are one table: which files of a folder belong to it, and the schema of all."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from stackspark.errors import InputError, UsageError
from stackspark.runtime.storage.filesystems import located

SUFFIX = ".parquet"
NUM_THREADS = 32
ASIDE = (".", "_")
"""Names of files and folders that are beside a table begin so: caches, markers, metadata."""


def parquet_files(path: str) -> list[str]:
    """The Parquet files of a file or folder, in order; see `located` for what the paths are of.

    In a folder these are the files `.parquet` at any depth, but for hidden ones and those in hidden
    folders. A file that is named itself may be called anything.

    Raises:
        InputError: there is none, or no such file or folder.
    """
    filesystem, place = located(path)
    kind = filesystem.get_file_info(place).type
    if kind == fs.FileType.File:
        return [place]
    if kind == fs.FileType.NotFound:
        raise InputError(f"{path} holds no Parquet: there is no such file or folder")
    found = filesystem.get_file_info(fs.FileSelector(place, recursive=True))
    names = [file.path for file in found if file.type == fs.FileType.File]
    files = sorted(name for name in names if _is_of_table(name[len(place) :]))
    if not files:
        raise InputError(f"{path} holds no Parquet: no file below it ends in {SUFFIX}")
    return files


def joined_schema(schemas: Mapping[str, pa.Schema]) -> pa.Schema:
    """The one schema of several files: columns by name, in the order in which they first come.

    A column that a file lacks is null there. Whole numbers, fractions and texts of several widths
    are of the widest.

    Raises:
        InputError: two files have a column of types that cannot be joined, or one has two columns
            of one name; the message names them.
    """
    fields: dict[str, tuple[str, pa.Field]] = {}
    for path, schema in schemas.items():
        repeated = [name for name in schema.names if schema.names.count(name) > 1]
        if repeated:
            raise InputError(f"{path} has two columns {repeated[0]!r}; name them apart")
        for field in schema:
            first, known = fields.get(field.name, (path, field))
            fields[field.name] = first, _joined(known, field, (first, path))
    return pa.schema([field for _, field in fields.values()])


def read_footers(path: str, files: Sequence[str]) -> dict[str, pq.FileMetaData]:
    """Footers of the Parquet files of a path, read side by side: in a store each takes a request.

    Raises:
        InputError: a file cannot be read; the message names it.
    """
    filesystem, _ = located(path)
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        footers = pool.map(partial(_read_footer, filesystem), files)
        return dict(zip(files, footers, strict=True))


def _read_footer(filesystem: fs.FileSystem, place: str) -> pq.FileMetaData:
    try:
        with filesystem.open_input_file(place) as file:
            return pq.read_metadata(file)
    except (OSError, pa.ArrowInvalid) as error:
        line = " ".join(str(error).split())
        raise InputError(f"the file {place} is no Parquet, or damaged: {line}") from None


def check_text(schema: pa.Schema, column: str) -> None:
    """Refuse a column of texts that holds something else.

    Raises:
        UsageError: names the column and its type.
    """
    kind = schema.field(column).type
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    if not any(test(value) for test in (*tests, pa.types.is_binary, pa.types.is_large_binary)):
        raise UsageError(
            f"the column {column!r} is of type {kind}, and holds no texts; make it one"
        )


def _is_of_table(name: str) -> bool:
    parts = PurePosixPath(name.lstrip("/")).parts
    return name.endswith(SUFFIX) and not any(part.startswith(ASIDE) for part in parts)


def _joined(known: pa.Field, field: pa.Field, paths: Sequence[str]) -> pa.Field:
    if known.type.equals(field.type) or pa.types.is_null(field.type):
        return known
    if pa.types.is_null(known.type) or _family(known.type) == _family(field.type):
        try:
            both = [pa.schema([each.remove_metadata()]) for each in (known, field)]
            return pa.unify_schemas(both, promote_options="permissive").field(0)
        except pa.ArrowTypeError:
            pass
    raise InputError(
        f"the column {field.name!r} is {known.type} in {paths[0]} and {field.type} in {paths[1]}; "
        "make them one type"
    )


def _family(kind: pa.DataType) -> str:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_timestamp)
    families = [test.__name__ for test in tests if test(kind)]
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return families[0] if families else "text" if is_text else str(kind)
