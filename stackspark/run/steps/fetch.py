"""Fetch and decode the contents that the lake does not have yet."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.gate import TableRule
from stackspark.contracts.tables import table_contract
from stackspark.lake.delta_tables import WriteResult
from stackspark.opt_outs.requests import OptOutRequest
from stackspark.run.listed import Listed
from stackspark.run.step import OPEN, Notes, RunContext, Step, Write
from stackspark.sources.base.content import UNAVAILABLE
from stackspark.sources.fetching.fetch import FetchParams, fetch_contents
from stackspark.sources.fetching.metrics import FetchMetrics
from stackspark.sources.fetching.outcomes import attach_blobs, collect_quarantine
from stackspark.sources.fetching.requests import (
    DERIVED,
    bucket_requests,
    fetch_parts,
    outdated_contents,
    request_contents,
)
from stackspark.sources.origins.fingerprint_listing import fingerprint_rows

UNUSABLE = ("missing", "corrupt")
"""Outcomes of fetching that leave nothing to keep; the file is quarantined."""


@dataclass(frozen=True, kw_only=True)
class FetchStepParams:
    """How contents are fetched, and the requests that leave some out."""

    fetching: FetchParams
    opt_outs: tuple[OptOutRequest, ...]


def fetch_step(context: RunContext, listed: Listed, params: FetchStepParams) -> Step:
    """The step `fetch`: contents part by part, then the files and what could not be used."""
    fetching = params.fetching
    key = {
        "fetching": {"max_text_bytes": fetching.max_text_bytes, "limits": fetching.limits},
        "opt_outs": params.opt_outs,
    }
    produce = _Fetch(context, listed, fetching).produce
    return Step(name="fetch", module=__name__, after="list", params=key, produce=produce)


class _Fetch:
    def __init__(self, context: RunContext, listed: Listed, params: FetchParams) -> None:
        self.context, self.listed, self.params = context, listed, params
        self.fetched = FetchMetrics(context.spark)

    def produce(self, notes: Notes) -> Iterator[Write]:
        """Write contents part by part, then the files and what could not be used."""
        requests = self.context.scratch.write(bucket_requests(self._wanted()), "requests")
        notes["requested"] = requests.count()
        parts = fetch_parts(requests, notes["requested"], self.params)
        far = partial(self._how_far, notes["requested"], time.monotonic())
        yield from self._outdated(requests)
        with self.context.progress.telling(far):
            for number, part in enumerate(parts, 1):
                yield self._fetched(part, is_part=number < len(parts))
                if told := far():
                    self.context.progress.say(f"  {'fetch':<18} {told}")
        again = self._fetched_again(requests)
        recovered = again.where(~F.col("status").isin(*UNUSABLE))
        if recovered.limit(1).count():
            yield self._contents_write(recovered)
        notes |= self._costs() | self._not_had(again)
        files = attach_blobs(self.listed.files(), self.context.table("contents"))
        yield Write(table="files", rows=files, checks=self._all_files)
        broken = again.where(F.col("status").isin(*UNUSABLE))
        located = broken.join(requests, "content_id", how="inner")
        yield Write(
            table="quarantine", rows=collect_quarantine(self.listed.listings.quarantine(), located)
        )

    def _wanted(self) -> DataFrame:
        """Contents that the lake lacks, or whose text an older decoder guessed or refused."""
        known, origins = self.context.known_or_empty("contents"), self.context.table("origins")
        settled = known.join(
            outdated_contents(known).select("content_id"), "content_id", how="left_anti"
        )
        return request_contents(self.listed.files(), origins, self.listed.opt_outs(), settled)

    def _outdated(self, requests: DataFrame) -> Iterator[Write]:
        """Take off what is decoded again, and first of all what was made of its text."""
        known = self.context.known("contents")
        if known is None:
            return
        again = outdated_contents(known).join(requests, "content_id", how="left_semi")
        gone = self.context.scratch.write(again.select("blob_id"), "outdated")
        count = gone.count()
        if not count:
            return
        self.context.progress.say(f"  {'fetch':<18} decodes again: {count:,} contents")
        for name, columns in DERIVED.items():
            rows = self.context.known(name)
            if rows is not None:
                for column in columns:
                    ids = gone.withColumnRenamed("blob_id", column)
                    rows = rows.join(ids, column, how="left_anti").select(*rows.columns)
                yield Write(table=name, rows=rows, is_part=True)
        yield Write(table="contents", rows=gone, mode="remove", is_part=True)

    def _fetched(self, requests: DataFrame, *, is_part: bool = False) -> Write:
        fetched = fetch_contents(requests, self.params, self.fetched)
        return self._contents_write(fetched.where(~F.col("status").isin(*UNUSABLE)), is_part)

    def _contents_write(self, usable: DataFrame, is_part: bool = False) -> Write:
        columns = table_contract("contents").column_names
        return Write(
            table="contents",
            rows=usable.select(*columns),
            mode="append",
            is_part=is_part,
            noted=self._costs,
        )

    def _fetched_again(self, requests: DataFrame) -> DataFrame:
        """Contents that could not be had, fetched once more: few, written before they are judged.

        If it is at another place too, in another store or archive, it is that one's turn.
        """
        contents = self.context.table("contents").select("content_id")
        failed = requests.join(contents, "content_id", how="left_anti")
        failed = failed.withColumn("locator", F.col("other_locator"))
        fetched = fetch_contents(failed, self.params, self.fetched)
        return self.context.scratch.write(fetched, "fetched_again")

    def _not_had(self, again: DataFrame) -> Notes:
        """Contents that stores may give another time, as hashes: they tell when less is missing."""
        wanted = again.where(F.col("error_class").isin(*UNAVAILABLE)).select("content_id")
        count, *sums = fingerprint_rows(wanted).collect()[0]
        if not count:
            return {}
        what = f"contents that their stores did not give: {count:,}"
        self.context.progress.say(f"  {'fetch':<18} the same command asks again for {what}")
        return {OPEN: {"what": what, "hash": ":".join(map(str, sums))}}

    def _how_far(self, num_requested: int, started: float) -> str:
        """How many contents tasks have had from stores, and how fast; nothing without a store."""
        totals = self.fetched.totals()
        if not totals["contents"]:
            return ""
        speed = totals["body_bytes"] / 1e6 / (time.monotonic() - started)
        return f"{totals['contents']:,} of {num_requested:,} contents, {speed:,.1f} MB/s"

    def _costs(self) -> Notes:
        """Requests to stores of contents, what they moved and what that costs."""
        totals, store = self.fetched.totals(), self.params.store
        usd = totals["requests"] * store.usd_per_million_requests / 1e6
        usd += totals["body_bytes"] / 1e9 * store.usd_per_gb
        return {"stored": {**totals, "usd": round(usd, 6)}}

    def _all_files(self, written: WriteResult) -> Sequence[TableRule]:
        total = self.context.table("origins").agg(F.sum("num_files")).collect()[0][0] or 0
        detail = f"origins list {total:,} files, the table holds {written.num_rows:,}"
        return [TableRule("files_are_conserved", total == written.num_rows, detail)]
