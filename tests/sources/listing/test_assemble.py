"""Containers are assembled into rows of the tables, also those that wait on disk."""

from pathlib import Path

import pytest
from source_fixtures import list_locally

from stackspark.contracts.tables import table_contract
from stackspark.sources.listing import assemble as assembling
from stackspark.sources.listing.list_sources import LISTED_SCHEMA


def test_listed_structs_have_the_columns_of_their_tables() -> None:
    for kind, table in (("origin", "origins"), ("file", "files"), ("quarantine", "quarantine")):
        contract = {column.name: column for column in table_contract(table).columns}
        struct = LISTED_SCHEMA[kind].dataType
        for field in struct.fields:  # type: ignore[attr-defined]
            if field.name not in ("container", "locator"):
                assert field.dataType.simpleString() == contract[field.name].data_type
        given = {field.name for field in struct.fields}  # type: ignore[attr-defined]
        missing = {name for name in contract if name not in given}
        assert missing <= {
            *("github_id", "star_events_count", "fork_events_count"),
            *(name for name in contract if name.startswith("gha_")),
            *("name", "extension", "blob_id"),
        }


def test_rows_that_wait_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        (tmp_path / f"{number:02}").write_text(f"{number}")
    expected = list_locally(f"dir:{tmp_path}")
    monkeypatch.setattr(assembling, "SPOOL_BYTES", 10)
    assert list_locally(f"dir:{tmp_path}") == expected
