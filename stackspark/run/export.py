"""The last step of a run: the shards of each export, and what makes its folder a dataset."""

from collections.abc import Callable, Iterator
from functools import cached_property, reduce

from pyspark.sql import DataFrame

from stackspark.export.describe_files import describe_files
from stackspark.export.manifest import CARD_NAME, Shard, shard_of, shard_rows, write_manifest
from stackspark.export.shape_documents_export import shape_documents_export
from stackspark.export.shape_files_export import shape_files_export
from stackspark.export.shape_ids_export import shape_ids_export
from stackspark.export.shape_notices_export import shape_notices_export
from stackspark.export.shards import export_documents, export_files, export_ids, export_notices
from stackspark.lake.content_reader import ReadMetrics
from stackspark.recipe.model import Recipe
from stackspark.report.dataset_card import DatasetCard, render_dataset_card
from stackspark.report.summary import RunSummary
from stackspark.run.step import Notes, RunContext, StepRecord, Write
from stackspark.runtime.fingerprints import code_version, fingerprint, plain
from stackspark.runtime.storage.filesystems import file_sizes, joined, store_text

READERS = ("files", "documents", "notices")
"""Exports that read texts of `contents`."""


class Exports:
    """The exports of one run."""

    def __init__(self, context: RunContext, recipe: Recipe, kept: Callable[[], DataFrame]) -> None:
        """Take what is needed to export; `kept` gives the verdicts of the files that stay."""
        self.context, self.recipe, self._kept = context, recipe, kept
        self._reads = {name: ReadMetrics(context.spark) for name in READERS}

    @cached_property
    def _described(self) -> DataFrame:
        """Everything that exports publish of a kept file."""
        names = ("origins", "licenses", "file_languages", "measurements", "contents")
        ids = ["directory_id", "path"]
        files = self.context.table("files").join(self._kept().select(*ids), ids, how="left_semi")
        described = describe_files(files, **{name: self.context.table(name) for name in names})
        return self.context.scratch.write(described, "described")

    @cached_property
    def _document_files(self) -> DataFrame:
        shaped = shape_documents_export(self.context.table("documents"), self._described)
        return self.context.scratch.write(shaped, "document_files")

    @property
    def _notices(self) -> DataFrame:
        names = ("licenses", "files", "license_texts", "origins", "contents")
        tables = {name: self.context.table(name) for name in names}
        return self.context.scratch.write(shape_notices_export(self._kept(), **tables), "notices")

    def folder(self, dataset: str) -> str:
        """Folder of an export; its name comes from what the export is made of."""
        return joined(self.context.lake.root, "shards", dataset, self._id(dataset))

    def _id(self, dataset: str) -> str:
        made_of = [self.context.fingerprint("documents"), dataset, plain(self.recipe.shards)]
        return fingerprint("export", made_of[:1], made_of[1:])[:16]

    def are_there(self, record: StepRecord) -> bool:
        """Whether the shards that an earlier run wrote lie in their folders, as long as then."""
        rows = self.context.version("shards", record.table_versions["shards"]).collect()
        sizes = {dataset: file_sizes(self.folder(dataset)) for dataset in self.recipe.exports}
        return all(
            sizes[row["dataset"]].get(shard_of(row).path) == row["size_bytes"] for row in rows
        )

    def write(self, notes: Notes) -> Iterator[Write]:
        """Write the shards; each export reads the kept files' contents once."""
        shards: dict[str, list[Shard]] = {}
        for dataset in self.recipe.exports:
            shards[dataset] = self._shards(dataset, self.folder(dataset))
        notes["files"] = {
            dataset: sum(sum(shard.language_counts.values()) for shard in found)
            for dataset, found in shards.items()
            if dataset != "notices"
        }
        notes["read"] = {name: metrics.totals() for name, metrics in self._reads.items()}
        rows = [
            shard_rows(self.context.spark, dataset, self._id(dataset), found)
            for dataset, found in shards.items()
        ]
        yield Write(table="shards", rows=reduce(DataFrame.unionByName, rows))

    def describe(self, summary: RunSummary) -> None:
        """Write manifest and card of each export: from here on its folder is a dataset."""
        rows = self.context.table("shards").collect()
        provenance = {
            "recipe": plain(self.recipe),
            "code_version": code_version(),
            "table_fingerprint": self.context.fingerprint("documents"),
        }
        for dataset in self.recipe.exports:
            folder = self.folder(dataset)
            shards = [shard_of(row) for row in rows if row["dataset"] == dataset]
            card = DatasetCard(
                dataset=dataset,
                pretty_name=f"{self.recipe.name} ({dataset})",
                description=self.recipe.description,
                shards=shards,
                funnel=summary.funnel,
                licenses=summary.licenses,
                recipe=plain(self.recipe),
                code_version=code_version(),
            )
            write_manifest(folder, dataset, shards, provenance)
            store_text(joined(folder, CARD_NAME), render_dataset_card(card))

    def _shards(self, dataset: str, folder: str) -> list[Shard]:
        contents, params = self.context.table("contents"), self.recipe.shards
        if dataset == "files":
            rows = shape_files_export(self._described)
            return export_files(rows, contents, folder, params, self._reads["files"])
        if dataset == "documents":
            reads = self._reads["documents"]
            return export_documents(self._document_files, contents, folder, params, reads)
        if dataset == "notices":
            return export_notices(self._notices, contents, folder, params, self._reads["notices"])
        return export_ids(shape_ids_export(self._document_files), folder, params)
