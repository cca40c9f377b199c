"""Find the near-duplicates among the files that every rule keeps."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.gate import TableRule
from stackspark.duplicates.near.candidates import near_duplicate_candidates
from stackspark.duplicates.near.list_shingles import ListShinglesParams, list_shingles
from stackspark.duplicates.near.params import NearDuplicatesParams
from stackspark.duplicates.near.record_near_duplicates import (
    RecordNearDuplicatesParams,
    record_near_duplicates,
)
from stackspark.duplicates.near.search import NearDuplicateResult, find_near_duplicates
from stackspark.duplicates.near.tables.ranks import PAIR
from stackspark.duplicates.select_representatives import SelectRepresentativesParams
from stackspark.lake.content_reader import ReadMetrics, plan_reads
from stackspark.lake.lake import Publication
from stackspark.rules.catalog import ordered
from stackspark.rules.judge import without_duplicates
from stackspark.run.fates import Fates
from stackspark.run.step import Notes, RunContext, Step, Write


@dataclass(frozen=True, kw_only=True)
class NearDuplicatesStepParams:
    """The search, and the order by which one of several copies stays.

    Attributes:
        search: parameters of the search.
        keep_order: the order of copies.
        shingles_version: of the shingles that similarities rest on.
    """

    search: NearDuplicatesParams
    keep_order: SelectRepresentativesParams
    shingles_version: str


def near_duplicates_step(
    context: RunContext, fates: Fates, params: NearDuplicatesStepParams
) -> Step:
    """The step `near_duplicates`: twins, similarities, and a second version of `ledger`."""
    last = _last_publication(context) if params.search.prefer_published else None
    key = {
        "keep_order": params.keep_order,
        "near_duplicates": params.search,
        "published_documents": last.fingerprints["documents"] if last else None,
    }
    produce = _Search(context, fates, params, last).produce
    return Step(
        name="near_duplicates", module=__name__, after="verdicts", params=key, produce=produce
    )


class _Search:
    def __init__(
        self,
        context: RunContext,
        fates: Fates,
        params: NearDuplicatesStepParams,
        last: Publication | None,
    ) -> None:
        self.context, self.fates, self.params, self.last = context, fates, params, last
        self.compared = ReadMetrics(context.spark)

    def produce(self, notes: Notes) -> Iterator[Write]:
        params, context = self.params.search, self.context
        verdicts = without_duplicates(context.table("ledger"))
        candidates = near_duplicate_candidates(
            self.fates.representatives(), context.table("measurements"), params, self._published()
        )
        found = find_near_duplicates(
            candidates, params, context.scratch, self._shingles_of, self._known_similarities()
        )
        version = F.lit(self.params.shingles_version).alias("shingles_version")
        yield context.grow("similarities", found.similarities.select("*", version), PAIR)
        notes["rounds"] = [asdict(each) for each in found.rounds]
        notes["published_run"] = self.last.run_id if self.last else None
        settled = [settled_rule(found)]
        yield Write(table="near_duplicates", rows=found.rows, checks=lambda _: settled)
        limit = RecordNearDuplicatesParams(threshold=params.threshold)
        repeated = record_near_duplicates(context.table("near_duplicates"), limit)
        yield Write(table="ledger", rows=verdicts.unionByName(ordered(repeated)))
        notes["read"] = self.compared.totals()

    def _known_similarities(self) -> DataFrame | None:
        """Similarities of the shingles that are asked for; None in a new lake."""
        known = self.context.known("similarities")
        if known is None:
            return None
        is_current = F.col("shingles_version") == self.params.shingles_version
        return known.where(is_current).drop("shingles_version")

    def _published(self) -> DataFrame | None:
        """Documents of the published run whose files stay."""
        if self.last is None:
            return None
        version = self.last.table_versions["documents"]
        return self.context.lake.read(self.context.spark, "documents", version)

    def _shingles_of(self, wanted: DataFrame) -> DataFrame:
        plan = plan_reads(wanted, self.context.table("contents"))
        minhash = self.params.search.minhash
        return list_shingles(plan, ListShinglesParams(minhash=minhash), self.compared)


def settled_rule(found: NearDuplicateResult) -> TableRule:
    """The search went on until a round found nothing: a dataset may not hold what it left."""
    detail = f"{found.last_round}; raise near_duplicates.max_rounds"
    return TableRule("search_is_settled", found.is_settled, detail)


def _last_publication(context: RunContext) -> Publication | None:
    """The published run whose files stay; None if there is none.

    A repeated run compares with the publication that the first attempt compared with.
    """
    lake, spark = context.lake, context.spark
    last = lake.published(spark)
    if last is None or last.fingerprints["licenses"] != context.fingerprint("licenses"):
        return last
    searched = lake.audited_step(spark, "near_duplicates", last.fingerprints["near_duplicates"])
    before = json.loads(searched["metrics"])["notes"].get("published_run") if searched else None
    return lake.published(spark, before) if before else None
