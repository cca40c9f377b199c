"""Write the shards; each export reads the kept files' contents once."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial, reduce

from pyspark.sql import DataFrame

from stackspark.export.describe_files import describe_files
from stackspark.export.manifest import Shard, shard_of, shard_rows
from stackspark.export.shape_documents_export import shape_documents_export
from stackspark.export.shape_files_export import shape_files_export
from stackspark.export.shape_ids_export import shape_ids_export
from stackspark.export.shape_notices_export import shape_notices_export
from stackspark.export.shards import (
    ShardParams,
    export_documents,
    export_files,
    export_ids,
    export_notices,
)
from stackspark.lake.content_reader import ReadMetrics
from stackspark.run.fates import Fates
from stackspark.run.step import Notes, RunContext, Step, StepRecord, Write
from stackspark.runtime.fingerprints import fingerprint, plain
from stackspark.runtime.storage.filesystems import file_sizes, joined

READERS = ("files", "documents", "notices")
"""Exports that read texts of `contents`."""


@dataclass(frozen=True, kw_only=True)
class ExportParams:
    """The exports that are written, and the sizes of their shards."""

    exports: tuple[str, ...]
    shards: ShardParams


def export_step(context: RunContext, fates: Fates, params: ExportParams) -> Step:
    """The step `export`."""
    export = _Export(context, fates, params)
    return Step(
        name="export",
        module=__name__,
        after="documents",
        params={"shards": params.shards, "exports": params.exports},
        produce=export.produce,
        is_there=export.are_there,
    )


def export_id(context: RunContext, dataset: str, params: ShardParams) -> str:
    """Name of an export's folder, from all that the export is made of."""
    made_of = context.fingerprint("documents")
    return fingerprint("export", [made_of], [dataset, plain(params)], __name__)[:16]


def export_folder(context: RunContext, dataset: str, params: ShardParams) -> str:
    """Folder of an export."""
    return joined(context.lake.root, "shards", dataset, export_id(context, dataset, params))


class _Export:
    def __init__(self, context: RunContext, fates: Fates, params: ExportParams) -> None:
        self.context, self.fates, self.params = context, fates, params
        self.reads = {name: ReadMetrics(context.spark) for name in READERS}

    def are_there(self, record: StepRecord) -> bool:
        """Whether the shards that an earlier run wrote lie in their folders, as long as then."""
        rows = self.context.version("shards", record.table_versions["shards"]).collect()
        sizes = {dataset: file_sizes(self._folder(dataset)) for dataset in self.params.exports}
        return all(
            sizes[row["dataset"]].get(shard_of(row).path) == row["size_bytes"] for row in rows
        )

    def _id(self, dataset: str) -> str:
        return export_id(self.context, dataset, self.params.shards)

    def _folder(self, dataset: str) -> str:
        return export_folder(self.context, dataset, self.params.shards)

    def produce(self, notes: Notes) -> Iterator[Write]:
        """Write the shards, the exports beside each other: each waits for the driver at times."""
        written = {
            dataset: self.context.background.submit(
                partial(self._shards, dataset, self._folder(dataset))
            )
            for dataset in self.params.exports
        }
        shards = {dataset: found.result() for dataset, found in written.items()}
        notes["files"] = {
            dataset: sum(sum(shard.language_counts.values()) for shard in found)
            for dataset, found in shards.items()
            if dataset != "notices"
        }
        notes["read"] = {name: metrics.totals() for name, metrics in self.reads.items()}
        rows = [
            shard_rows(
                self.context.spark,
                dataset,
                export_id(self.context, dataset, self.params.shards),
                found,
            )
            for dataset, found in shards.items()
        ]
        yield Write(table="shards", rows=reduce(DataFrame.unionByName, rows))

    def _shards(self, dataset: str, folder: str) -> list[Shard]:
        contents, params = self.context.table("contents"), self.params.shards
        if dataset == "files":
            rows = shape_files_export(self._described())
            return export_files(rows, contents, folder, params, self.reads["files"])
        if dataset == "documents":
            reads = self.reads["documents"]
            return export_documents(self._document_files(), contents, folder, params, reads)
        if dataset == "notices":
            return export_notices(self._notices(), contents, folder, params, self.reads["notices"])
        return export_ids(shape_ids_export(self._document_files()), folder, params)

    def _described(self) -> DataFrame:
        """Everything that exports publish of a kept file."""
        return self.context.once("described", self._describe)

    def _describe(self) -> DataFrame:
        names = ("origins", "licenses", "file_languages", "measurements", "contents")
        ids = ["directory_id", "path"]
        kept = self.fates.kept().select(*ids)
        files = self.context.table("files").join(kept, ids, how="left_semi")
        return describe_files(files, **{name: self.context.table(name) for name in names})

    def _document_files(self) -> DataFrame:
        return self.context.once("document_files", self._shape_documents)

    def _shape_documents(self) -> DataFrame:
        return shape_documents_export(self.context.table("documents"), self._described())

    def _notices(self) -> DataFrame:
        names = ("licenses", "files", "license_texts", "origins", "contents")
        tables = {name: self.context.table(name) for name in names}
        shaped = shape_notices_export(self.fates.kept(), **tables)
        return self.context.scratch.write(shaped, "notices")
