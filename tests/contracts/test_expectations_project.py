"""The project on Delta tables: the published version passes, one bad row of each kind is found."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from stackspark.contracts.expectations_project import NAME, check_folder, write_project
from stackspark.contracts.gate import great_expectations
from stackspark.contracts.tables import table_contract
from stackspark.errors import UsageError

SHA = "a" * 40
CONTENT = {
    "blob_id": SHA, "content_id": SHA, "length_bytes": 3, "status": "ok", "src_encoding": "UTF-8",
    "encoding_confidence": 1.0, "content": "a\n", "decoder_version": 2,
}  # fmt: skip
DOCUMENT = {
    "document_id": f"{SHA}-0", "directory_id": SHA, "part": 0, "num_parts": 1,
    "has_metadata": True, "num_files": 1, "size_bytes": 3, "files": [("/a", SHA)],
}  # fmt: skip
QUARANTINE = {"source": "git:/r", "key": "k", "grain": "entry", "error_class": "e", "message": "m"}

GOOD = {"contents": CONTENT, "documents": DOCUMENT, "quarantine": QUARANTINE}

BAD: dict[str, list[tuple[dict[str, Any], str]]] = {
    "contents": [
        ({}, "values_to_be_unique"),
        ({"content_id": None}, "values_to_not_be_null"),
        ({"length_bytes": -1}, "values_to_be_between"),
        ({"content_id": "A" * 40}, "values_to_match_regex"),
        ({"status": "fine", "src_encoding": None, "content": None}, "values_to_be_in_set"),
        ({"content": None}, "values_to_not_be_null"),
        ({"status": "binary", "src_encoding": None}, "values_to_be_null"),
    ],
    "documents": [
        ({"part": 1, "document_id": f"{SHA}-1"}, "pair_values_a_to_be_greater_than_b"),
        ({"document_id": f"{'b' * 40}-7"}, "unexpected_rows_expectation"),
        (
            {"files": [], "num_files": 0, "document_id": f"{'b' * 40}-0", "directory_id": "b" * 40},
            "unexpected_rows_expectation",
        ),
    ],
    "quarantine": [
        ({}, "compound_columns_to_be_unique"),
        ({"message": "", "key": "k2"}, "value_lengths_to_be_between"),
    ],
}
"""By table: what is changed in a further row, and the expectation that then fails."""


def _write(spark: SparkSession, tables: Path, name: str, *rows: dict[str, Any]) -> None:
    ddl = table_contract(name).ddl.replace(" not null", "")
    df = spark.createDataFrame([tuple(row.values()) for row in rows], ddl)
    df.write.format("delta").mode("append").save(str(tables / name))


def _failed(folder: Path) -> Iterator[tuple[str, str]]:
    """Table and kind of every expectation that fails, by the checkpoint alone."""
    context = great_expectations().get_context(mode="file", project_root_dir=str(folder))
    outcome = context.checkpoints.get(NAME).run()
    for result in outcome.run_results.values():
        for each in result.results:
            assert not each.exception_info.get("raised_exception"), each
            if not each.success:
                kind = each.expectation_config.type.removeprefix("expect_")
                yield result.suite_name, kind.removeprefix("column_")


@pytest.fixture(scope="module")
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 0 of each table is published and good; later ones repeat its row."""
    folder = tmp_path_factory.mktemp("lake") / "tables"
    for name, good in GOOD.items():
        for _ in range(4):
            _write(spark, folder, name, good)
    return folder


def test_the_published_version_passes(tables: Path, tmp_path: Path) -> None:
    write_project(tmp_path / "project", tables, dict.fromkeys(GOOD, 0))
    assert list(_failed(tmp_path / "project")) == []


@pytest.mark.parametrize("name", list(BAD))
def test_one_bad_row_of_each_kind_fails(spark: SparkSession, tmp_path: Path, name: str) -> None:
    for number, (changed, kind) in enumerate(BAD[name]):
        folder = tmp_path / str(number)
        # A key of its own, unless it is the key that is repeated.
        other = {"blob_id": "c" * 40} if changed and name == "contents" else {}
        _write(spark, folder, name, GOOD[name], {**GOOD[name], **other, **changed})
        write_project(folder / "project", folder, {name: 0})
        assert list(_failed(folder / "project")) == [(name, kind)], changed


def test_a_project_is_brought_up_to_date(tables: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    write_project(folder, tables, {"contents": 0, "documents": 0})
    context = great_expectations().get_context(mode="file", project_root_dir=str(folder))
    context.suites.add(great_expectations().ExpectationSuite("own"))
    write_project(folder, tables, {"contents": 3})
    context = great_expectations().get_context(mode="file", project_root_dir=str(folder))
    checkpoint = context.checkpoints.get(NAME)
    assert [each.name for each in checkpoint.validation_definitions] == ["contents"]
    asset = context.data_sources.get(NAME).get_asset("contents")
    assert asset.version_as_of == "3"
    assert "own" in {suite.name for suite in context.suites.all()}


def test_another_folder_is_refused(tables: Path, tmp_path: Path) -> None:
    notes, project = tmp_path / "notes.txt", tmp_path / "project"
    check_folder(project)
    write_project(project, tables, {"contents": 0})
    check_folder(project)
    notes.write_text("mine", encoding="utf-8")
    for wrong in (tmp_path, notes):
        with pytest.raises(UsageError, match="needed a new folder"):
            check_folder(wrong)
