"""Put the kept files of each repository in order."""

from collections.abc import Iterator

from pyspark.sql import functions as F

from stackspark.export.build_documents import BuildDocumentsParams, build_documents
from stackspark.run.fates import Fates
from stackspark.run.step import Notes, RunContext, Step, Write


def documents_step(context: RunContext, fates: Fates, params: BuildDocumentsParams) -> Step:
    """The step `documents`."""

    def produce(notes: Notes) -> Iterator[Write]:
        counts = fates.of_files().groupBy("status").count().collect()
        yield Write(table="documents", rows=build_documents(fates.kept(), params))
        placed = context.table("documents").agg(F.sum("num_files")).collect()[0][0] or 0
        notes |= {"verdicts": {row["status"]: row["count"] for row in counts}, "files": placed}

    return Step(
        name="documents",
        module=__name__,
        after="near_duplicates",
        params={"documents": params},
        produce=produce,
    )
