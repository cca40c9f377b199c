"""Decide the licence of every file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.gate import TableRule
from stackspark.lake.delta_tables import WriteResult
from stackspark.licenses.assign_licenses import AssignLicensesParams, assign_licenses
from stackspark.licenses.collect_declarations import collect_declarations
from stackspark.licenses.compare_copies import compare_copies
from stackspark.licenses.detector.answers import HEADER
from stackspark.run.step import Notes, RunContext, Step, Write


@dataclass(frozen=True, kw_only=True)
class LicensesStepParams:
    """How declarations become a decision; `headers`: whether first lines of files declare too."""

    licenses: AssignLicensesParams
    headers: bool


def licenses_step(context: RunContext, params: LicensesStepParams) -> Step:
    """The step `licenses`."""
    produce = _Licenses(context, params).produce
    key = {"licenses": params.licenses}
    return Step(name="licenses", module=__name__, after="scan", params=key, produce=produce)


class _Licenses:
    def __init__(self, context: RunContext, params: LicensesStepParams) -> None:
        self.context, self.params = context, params

    def produce(self, _: Notes) -> Iterator[Write]:
        table = self.context.table
        declarations = collect_declarations(
            table("files"), table("file_languages"), table("license_texts")
        )
        assigned = assign_licenses(
            table("files"),
            declarations,
            table("measurements"),
            table("origins"),
            self.params.licenses,
            headers=self._headers(),
        )
        # Stored, because the copies of a text are compared with all rows.
        stored = self.context.scratch.write(assigned, "assigned_licenses")
        rows = compare_copies(stored, table("files"), table("measurements"))
        yield Write(table="licenses", rows=rows, checks=self._one_per_file)

    def _headers(self) -> DataFrame | None:
        """Licences stated in the first lines of files, where the recipe asks for them."""
        if not self.params.headers:
            return None
        texts = self.context.table("license_texts")
        return texts.where((F.col("part") == HEADER) & F.col("expression").isNotNull())

    def _one_per_file(self, written: WriteResult) -> Sequence[TableRule]:
        total = self.context.table("files").count()
        detail = f"there are {total:,} files, the table holds {written.num_rows:,} rows"
        return [TableRule("one_row_per_file", total == written.num_rows, detail)]
