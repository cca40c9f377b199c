"""The end of a run: manifest and card of each export, then one publication of all tables."""

import json
from typing import Any

from stackspark.errors import ContractError
from stackspark.export.manifest import CARD_NAME, shard_of, write_manifest
from stackspark.recipe.model import Recipe
from stackspark.report.dataset_card import DatasetCard, render_dataset_card
from stackspark.report.summary import RunSummary
from stackspark.run.step import RunContext
from stackspark.run.steps.export import export_folder
from stackspark.runtime.fingerprints import code_version, plain
from stackspark.runtime.storage.filesystems import joined, store_text


def describe_exports(context: RunContext, recipe: Recipe, summary: RunSummary) -> None:
    """Write manifest and card of each export: from here on its folder is a dataset."""
    rows = context.table("shards").collect()
    provenance = {
        "recipe": plain(recipe),
        "code_version": code_version(),
        "table_fingerprint": context.fingerprint("documents"),
    }
    for dataset in recipe.exports:
        folder = export_folder(context, dataset, recipe.shards)
        shards = [shard_of(row) for row in rows if row["dataset"] == dataset]
        card = DatasetCard(
            dataset=dataset,
            pretty_name=f"{recipe.name} ({dataset})",
            description=recipe.description,
            shards=shards,
            funnel=summary.funnel,
            licenses=summary.licenses,
            recipe=plain(recipe),
            code_version=code_version(),
        )
        write_manifest(folder, dataset, shards, provenance)
        store_text(joined(folder, CARD_NAME), render_dataset_card(card))


def check_conservation(summary: RunSummary) -> None:
    """Refuse to publish a run of which a step lost rows, or made some up.

    Raises:
        ContractError: names the step and its numbers.
    """
    for row in summary.conservation:
        if not row.is_ok:
            raise ContractError(
                f"{row.step} does not conserve its rows: {row.num_in:,} in, {row.num_kept:,} "
                f"kept, {row.num_removed:,} removed, {row.num_quarantined:,} quarantined; "
                "nothing was published"
            )


def publication(context: RunContext, recipe: Recipe) -> dict[str, Any]:
    """The row of `publications` of a run whose steps are done."""
    results = {record.step: record.contract_results for record in context.records}
    return {
        "run_id": context.run_id,
        "recipe": recipe.name,
        "params": json.dumps(plain(recipe), sort_keys=True),
        "table_versions": dict(context.versions),
        "fingerprints": {record.step: record.fingerprint for record in context.records},
        "contract_results": json.dumps(results, sort_keys=True),
    }
