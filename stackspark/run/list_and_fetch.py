"""The first two steps of a run: list what the sources hold, fetch what the lake does not have."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.gate import TableRule
from stackspark.contracts.tables import table_contract
from stackspark.decontamination.matcher import BenchmarkMatcher
from stackspark.lake.delta_tables import WriteResult
from stackspark.opt_outs.match_opt_outs import match_file_opt_outs, match_opt_outs
from stackspark.opt_outs.requests import OptOutRequest
from stackspark.recipe.model import Recipe
from stackspark.run.step import OPEN, Notes, RunContext, Write
from stackspark.runtime.storage.s3 import is_s3
from stackspark.sources.base.container import Container
from stackspark.sources.base.specs import SourceSpec
from stackspark.sources.canaries import Canary
from stackspark.sources.fetching.attach_blobs import attach_blobs
from stackspark.sources.fetching.collect_quarantine import collect_quarantine
from stackspark.sources.fetching.fetch import (
    FetchParams,
    bucket_requests,
    fetch_contents,
    fetch_parts,
)
from stackspark.sources.fetching.metrics import FetchMetrics
from stackspark.sources.fetching.request_contents import request_contents
from stackspark.sources.fetching.swh_contents import UNAVAILABLE
from stackspark.sources.origins.fingerprint_listing import fingerprint_listing, fingerprint_rows
from stackspark.sources.origins.indexes import opens_s3, reads_s3
from stackspark.sources.origins.listings import Listings, Sources
from stackspark.sources.origins.select_files import select_files
from stackspark.sources.origins.select_origins import select_origins

UNUSABLE = ("missing", "corrupt")
"""Outcomes of fetching that leave nothing to keep; the file is quarantined."""

OPT_OUTS_DDL = "request_id string, kind string, value string, repository string, pattern string"
"""Columns of a table of `OptOutRequest`."""

TASKS_PER_CORE = 4
"""So that one long task does not hold up a step's end; what is listed and fetched is the same."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a run starts from, checked before anything of a source is read.

    `opted_out` maps the URL of each origin that is not even listed to the request that says so.
    """

    recipe: Recipe
    containers: tuple[Container, ...]
    indexes: tuple[SourceSpec, ...] = ()
    event_files: tuple[tuple[str, str, str, int], ...] = ()
    opt_outs: tuple[OptOutRequest, ...]
    opted_out: Mapping[str, str]
    num_opted_out: int
    canaries: tuple[Canary, ...] = ()
    benchmarks: BenchmarkMatcher

    @property
    def reads_s3(self) -> bool:
        """Whether Spark has to read a source from an object store."""
        return any(map(reads_s3, self.indexes))

    @property
    def opens_s3(self) -> bool:
        """Whether tasks have to open something in an object store by themselves."""
        return any(map(opens_s3, self.indexes)) or any(
            is_s3(path) for *_, path, _ in self.event_files
        )


class Gathering:
    """Listing and fetching of one run; each part is made once, when it is asked for."""

    def __init__(self, context: RunContext, inputs: Inputs) -> None:
        self.context, self.inputs, self.recipe = context, inputs, inputs.recipe
        self.fetched = FetchMetrics(context.spark)

    @cached_property
    def listings(self) -> Listings:
        """Everything that the sources hold."""
        sources = Sources(
            containers=self.inputs.containers,
            indexes=self.inputs.indexes,
            event_files=self.inputs.event_files,
        )
        params = replace(self.recipe.listing, num_tasks=self._num_tasks)
        context = self.context
        requests, kept = self._requests, context.kept_listings
        return Listings(context.spark, context.scratch, sources, params, requests, kept)

    def listing_fingerprint(self) -> Sequence[str]:
        """Sums of hashes over all that was listed."""
        parts = [fingerprint_listing(self.listings.rows)]
        if self.inputs.event_files:
            # What events tell of an origin, and of themselves, is no row of listing.
            parts += map(fingerprint_rows, (self.listings.origins, self.listings.quarantine))
        return [":".join(map(str, row)) for part in parts for row in part.collect()]

    @cached_property
    def _requests(self) -> DataFrame:
        rows = [list(asdict(request).values()) for request in self.inputs.opt_outs]
        return self.context.spark.createDataFrame(rows, OPT_OUTS_DDL)

    def list(self, notes: Notes) -> Iterator[Write]:
        """Write the selected origins."""
        yield Write(table="origins", rows=select_origins(self.listings.origins))
        notes |= self._container_counts()

    def _container_counts(self) -> Notes:
        """What became of each container: the balance of the first step."""
        listed = self.listings.listed("origin")
        with_files = listed.where(F.col("num_files") > 0)
        broken = self.listings.listed("quarantine").where(F.col("grain") == "origin")
        num_indexed, num_refused = self.listings.num_index_origins
        num_listed, num_with_files = listed.count(), with_files.count()
        selected = self.context.table("origins").count()
        # Canaries are no container of the user's.
        num_canaries = int(bool(self.inputs.canaries))
        num_containers = len(self.inputs.containers) - num_canaries
        return {
            "containers": num_containers + self.inputs.num_opted_out + num_indexed,
            "opted_out": self.inputs.num_opted_out + num_refused,
            "selected": selected - num_canaries,
            "same_root": num_with_files - selected,
            "without_files": num_listed - num_with_files,
            "quarantined": broken.count(),
        }

    @cached_property
    def _files(self) -> DataFrame:
        """Files of the selected origins, with the places of their bytes."""
        origins = self.context.table("origins")
        files = select_files(self.listings.listed("origin"), self.listings.listed("file"), origins)
        return self.context.scratch.write(files, "files")

    @cached_property
    def opt_outs(self) -> DataFrame:
        """Rows of `ledger` for what requests cover among the origins and files that were listed."""
        requests, origins = self._requests, self.context.table("origins")
        of_files = match_file_opt_outs(self._files, origins, requests)
        of_origins = match_opt_outs(self.listings.origins, requests)
        return self.context.scratch.write(of_files.unionByName(of_origins), "opt_outs")

    def fetch(self, notes: Notes) -> Iterator[Write]:
        """Write contents part by part, then the files and what could not be used."""
        known, origins = self.context.known_or_empty("contents"), self.context.table("origins")
        wanted = request_contents(self._files, origins, self.opt_outs, known)
        requests = self.context.scratch.write(bucket_requests(wanted), "requests")
        notes["requested"] = requests.count()
        parts = fetch_parts(requests, notes["requested"], self._fetching)
        far = partial(self._how_far, notes["requested"], time.monotonic())
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
        files = attach_blobs(self._files, self.context.table("contents"))
        yield Write(table="files", rows=files, checks=self._all_files)
        broken = again.where(F.col("status").isin(*UNUSABLE))
        located = broken.join(requests, "content_id", how="inner")
        yield Write(table="quarantine", rows=collect_quarantine(self.listings.quarantine, located))

    def _fetched(self, requests: DataFrame, *, is_part: bool = False) -> Write:
        fetched = fetch_contents(requests, self._fetching, self.fetched)
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
        """What could not be fetched, asked for once more; few, and written before it is judged.

        If it is at another place too, in another store or archive, it is that one's turn.
        """
        contents = self.context.table("contents").select("content_id")
        failed = requests.join(contents, "content_id", how="left_anti")
        failed = failed.withColumn("locator", F.col("other_locator"))
        fetched = fetch_contents(failed, self._fetching, self.fetched)
        return self.context.scratch.write(fetched, "fetched_again")

    def _not_had(self, again: DataFrame) -> Notes:
        """What the stores may give another time, as hashes: they tell when less is missing."""
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
        totals, store = self.fetched.totals(), self.recipe.fetching.store
        usd = totals["requests"] * store.usd_per_million_requests / 1e6
        usd += totals["body_bytes"] / 1e9 * store.usd_per_gb
        return {"stored": {**totals, "usd": round(usd, 6)}}

    def _all_files(self, written: WriteResult) -> Sequence[TableRule]:
        total = self.context.table("origins").agg(F.sum("num_files")).collect()[0][0] or 0
        detail = f"origins list {total:,} files, the table holds {written.num_rows:,}"
        return [TableRule("files_are_conserved", total == written.num_rows, detail)]

    @property
    def _num_tasks(self) -> int:
        """Tasks of steps whose rows are narrow and whose work is not: Spark would make one."""
        return TASKS_PER_CORE * self.context.spark.sparkContext.defaultParallelism

    @property
    def _fetching(self) -> FetchParams:
        return replace(self.recipe.fetching, num_tasks=self._num_tasks)
