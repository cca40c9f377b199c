"""The fate of every file of a run: read by several steps, each table stored once."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.duplicates.finalize_verdicts import finalize_verdicts
from stackspark.duplicates.select_representatives import (
    SelectRepresentativesParams,
    select_representatives,
)
from stackspark.rules.judge import resolved, without_duplicates
from stackspark.run.step import RunContext
from stackspark.sources.canaries import SOURCE as CANARY_SOURCE


class Fates:
    """The fate of each file, from the verdicts and the search for duplicates."""

    def __init__(self, context: RunContext, keep_order: SelectRepresentativesParams) -> None:
        self._context, self._keep_order = context, keep_order
        self._roots: list[str] | None = None

    def resolved(self) -> DataFrame:
        """The fate of each file before duplicates are looked for."""
        return self._context.once("resolved", self._resolve)

    def representatives(self) -> DataFrame:
        """The file that stands for each surviving blob."""
        return self._context.once("representatives", self._select)

    def of_all(self) -> DataFrame:
        """The fate of each file, with the twin of a duplicate; canaries among them."""
        return self._context.once("file_verdicts", self._finalize)

    def of_files(self) -> DataFrame:
        """The fate of each file that is no canary."""
        return self.of_all().where(~F.col("directory_id").isin(self._canary_roots()))

    def of_canaries(self) -> DataFrame:
        """The fate of each canary."""
        return self.of_all().where(F.col("directory_id").isin(self._canary_roots()))

    def kept(self) -> DataFrame:
        """The files that stay."""
        return self.of_files().where(F.col("status") == "kept")

    def _resolve(self) -> DataFrame:
        verdicts = without_duplicates(self._context.table("ledger"))
        return resolved(self._context.tables(), verdicts)

    def _select(self) -> DataFrame:
        licenses, origins = self._context.table("licenses"), self._context.table("origins")
        return select_representatives(self.resolved(), licenses, origins, self._keep_order)

    def _finalize(self) -> DataFrame:
        repeated = self._context.table("near_duplicates")
        return finalize_verdicts(self.resolved(), self.representatives(), repeated)

    def _canary_roots(self) -> list[str]:
        """Root directory of the canaries: one row, so that no query has to look through origins."""
        if self._roots is None:
            origins = self._context.table("origins").where(F.col("source") == CANARY_SOURCE)
            self._roots = [row["directory_id"] for row in origins.select("directory_id").collect()]
        return self._roots
