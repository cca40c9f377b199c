"""A project of Great Expectations for the published tables of a lake: suites and one checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackspark.contracts.expectations import expectations
from stackspark.contracts.gate import great_expectations
from stackspark.contracts.tables import table_contract, table_names
from stackspark.errors import UsageError

NAME = "stackspark"
"""Of the data source and the checkpoint."""

CONFIGURATION = Path("gx", "great_expectations.yml")


def check_folder(folder: Path) -> None:
    """Refuse a folder that is not new, empty or a project of Great Expectations.

    Raises:
        UsageError: it is something else.
    """
    is_project = (folder / CONFIGURATION).exists()
    if folder.is_file() or (folder.exists() and not is_project and any(folder.iterdir())):
        needed = "a new folder, an empty one or a project of Great Expectations"
        raise UsageError(f"--great-expectations {folder}: needed {needed}; name another")


def write_project(folder: Path, tables_folder: Path, versions: Mapping[str, int]) -> None:
    """Write the project, or bring one up to date; suites of the user's own stay as they are.

    Each table is an asset of a Spark data source, at its published version, and has a suite by its
    name; the checkpoint runs all of them. Nothing is read of the tables.

    Args:
        folder: new, empty, or such a project.
        tables_folder: where the lake's Delta tables lie, a folder each.
        versions: the version of each table.
    """
    gx = great_expectations()
    context = gx.get_context(mode="file", project_root_dir=str(folder))
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}
    context.variables.save()
    _forget(context)
    source = context.data_sources.add_or_update_spark_filesystem(
        NAME, base_directory=str(tables_folder), persist=False
    )
    definitions = []
    for name, version in sorted(versions.items()):
        asset = source.add_directory_delta_asset(
            name, data_directory=name, version_as_of=str(version)
        )
        suite = gx.ExpectationSuite(name, expectations(table_contract(name)))
        definition = gx.ValidationDefinition(
            name=name,
            data=asset.add_batch_definition("published"),
            suite=context.suites.add_or_update(suite),
        )
        definitions.append(context.validation_definitions.add(definition))
    context.checkpoints.add(
        gx.Checkpoint(name=NAME, validation_definitions=definitions, result_format="SUMMARY")
    )


def _forget(context: Any) -> None:
    """Forget what was checked before: a table may be published no longer."""
    if NAME in {checkpoint.name for checkpoint in context.checkpoints.all()}:
        context.checkpoints.delete(NAME)
    for name in {each.name for each in context.validation_definitions.all()} & {*table_names()}:
        context.validation_definitions.delete(name)
