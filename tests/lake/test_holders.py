"""Whatever a lake holds of people's code is declared."""

import re
from pathlib import Path

import pytest

from stackspark.contracts.tables import Column, table_contract, table_names
from stackspark.lake.holders import HELD, SHARD_COLUMNS, place_of, table_columns, undeclared_files

COLUMNS = [
    pytest.param(column, id=f"{name}.{column.name}")
    for name in table_names()
    for column in table_contract(name).columns
]
NUMBERS = re.compile(r"bigint|int|double|boolean|timestamp|float")


@pytest.mark.parametrize("column", COLUMNS)
def test_column_says_what_it_holds(column: Column) -> None:
    """Numbers and times hold nothing; everything else says what, if only that it is nothing."""
    assert column.holds is not None or NUMBERS.fullmatch(column.data_type)
    assert set(column.holds or ()) <= set(HELD)


def test_the_text_of_files_is_where_it_is_expected() -> None:
    assert set(table_columns("text")) == {
        ("contents", "content"),
        ("file_languages", "declared_license"),
        ("ledger", "evidence"),
        ("measurements", "generated_marker"),
        ("measurements", "spdx_license_tag"),
    }
    exported = {(name, c) for name, columns in SHARD_COLUMNS.items() for c in columns}
    assert {(name, c) for name, c in exported if "text" in SHARD_COLUMNS[name][c]} == {
        ("files", "content"),
        ("documents", "files.content"),
        ("documents", "text"),
        ("notices", "content"),
    }
    assert not any("text" in held for held in SHARD_COLUMNS["ids"].values())


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ("shards/files/0123456789abcdef/part-00000.parquet", HELD),
        ("tables/contents/part-00000.zstd.parquet", HELD),
        ("tables/files/_delta_log/00000000000000000003.json", ("id", "name")),
        ("scratch/20261201/files/part-0.parquet", HELD),
        ("locks/writer.lock", ()),
    ],
)
def test_place_of_a_file(path: str, holds: tuple[str, ...]) -> None:
    place = place_of(path)
    assert place
    assert place.holds == holds


def test_undeclared_files_are_found(tmp_path: Path) -> None:
    for name in ("tables/contents/a.parquet", "tables/people/a.parquet", "cache/texts.bin"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert undeclared_files(str(tmp_path)) == ["cache/texts.bin", "tables/people/a.parquet"]
