import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stackspark.errors import InputError, UsageError
from stackspark.runtime.storage.parquet_sets import (
    check_text,
    joined_schema,
    parquet_files,
    read_footers,
)


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": [1]}), path)


def test_what_lies_beside_a_table_is_no_part_of_it(tmp_path: Path) -> None:
    wanted = ["a.parquet", "data/train-00000-of-00001.parquet", "x=1/b c%20[é].parquet"]
    aside = [".cache/a.parquet", "_delta/a.parquet", "data/.hidden.parquet", "data/_tmp.parquet"]
    for name in (*wanted, *aside):
        _write(tmp_path / "in" / name)
    for name in ("README.md", "manifest.json", "a.parquet.lock", ".gitattributes", "_SUCCESS"):
        (tmp_path / "in" / name).write_text("x")
    assert parquet_files(str(tmp_path / "in")) == [f"{tmp_path}/in/{name}" for name in wanted]


def test_a_file_that_is_named_may_be_called_anything(tmp_path: Path) -> None:
    _write(tmp_path / "_x.data")
    assert parquet_files(f"{tmp_path}/_x.data") == [f"{tmp_path}/_x.data"]


def test_no_parquet_is_told_apart_from_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file or folder"):
        parquet_files(f"{tmp_path}/none")
    (tmp_path / "README.md").touch()
    with pytest.raises(InputError, match=r"no file below it ends in \.parquet"):
        parquet_files(str(tmp_path))


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("Parquet?")
    with pytest.raises(
        InputError, match=f"the file {tmp_path}/a.parquet is no Parquet, or damaged"
    ):
        read_footers(str(tmp_path), [f"{tmp_path}/a.parquet"])


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        (pa.int32(), pa.int64(), pa.int64()),
        (pa.float32(), pa.float64(), pa.float64()),
        (pa.string(), pa.large_string(), pa.large_string()),
        (pa.null(), pa.string(), pa.string()),
        (pa.list_(pa.int32()), pa.null(), pa.list_(pa.int32())),
    ],
)
def test_types_of_one_family_are_joined(
    first: pa.DataType, second: pa.DataType, joined: pa.DataType
) -> None:
    for one, other in ((first, second), (second, first)):
        schemas = {"a": pa.schema({"x": one}), "b": pa.schema({"y": pa.int8(), "x": other})}
        assert joined_schema(schemas) == pa.schema({"x": joined, "y": pa.int8()})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pa.int64(), pa.string()),
        (pa.int64(), pa.float64()),
        (pa.string(), pa.binary()),
        (pa.list_(pa.string()), pa.string()),
    ],
)
def test_types_that_cannot_be_joined_are_named_with_both_files(
    first: pa.DataType, second: pa.DataType
) -> None:
    schemas = {"a.parquet": pa.schema({"x": first}), "b.parquet": pa.schema({"x": second})}
    line = f"the column 'x' is {first} in a.parquet and {second} in b.parquet"
    with pytest.raises(InputError, match=re.escape(line)):
        joined_schema(schemas)


def test_two_columns_of_one_name_are_refused() -> None:
    schema = pa.schema([("x", pa.int8()), ("x", pa.int8())])
    with pytest.raises(InputError, match="a has two columns 'x'"):
        joined_schema({"a": schema})


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.string_view()])
def test_texts_are_texts(kind: pa.DataType) -> None:
    check_text(pa.schema({"text": kind}), "text")
    check_text(pa.schema({"text": pa.dictionary(pa.int32(), kind)}), "text")


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.int64(), pa.struct({"a": pa.string()})])
def test_what_is_no_text_is_refused(kind: pa.DataType) -> None:
    with pytest.raises(UsageError, match=re.escape(f"the column 'text' is of type {kind}")):
        check_text(pa.schema({"text": kind}), "text")
