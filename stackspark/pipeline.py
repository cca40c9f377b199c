"""The recipe as code: sources -> tables -> verdicts -> shards, and the only place that composes.

Each step reads tables, calls stages and yields the new versions of its tables, which `steps`
writes, checks and records. What was done before with the same inputs, parameters and code is taken
over.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.gate import TableRule
from stackspark.contracts.tables import table_contract
from stackspark.governance.opt_outs import OptOutRequest
from stackspark.io.content_reader import ReadMetrics, plan_reads
from stackspark.io.delta_tables import WriteResult
from stackspark.io.filesystems import joined, store_text
from stackspark.io.lake import Publication
from stackspark.io.manifest import (
    CARD_NAME,
    Shard,
    shard_of,
    shard_rows,
    write_manifest,
)
from stackspark.io.shards import export_documents, export_files, export_ids, export_notices
from stackspark.judging import (
    near_duplicate_candidates,
    resolved,
    rule_verdicts,
    without_duplicates,
)
from stackspark.kernels.benchmarks import BenchmarkMatcher
from stackspark.kernels.detected_licenses import HEADER, TEXT
from stackspark.listings import REFUSED_DDL, Listings, Sources
from stackspark.near_duplicates import NearDuplicateResult, find_near_duplicates
from stackspark.recipe import Recipe
from stackspark.removal_bands import (
    TOP_FAMILIES,
    band_notes,
    bands_rule,
    removal_rates,
    shown_breaches,
)
from stackspark.report.aggregates import largest_families
from stackspark.report.dataset_card import DatasetCard, render_dataset_card
from stackspark.report.fold import families
from stackspark.report.summary import FamilyRow, RemovalBandRow, RunSummary
from stackspark.sources.containers import Container
from stackspark.sources.fetch_metrics import FetchMetrics
from stackspark.sources.fetching import FetchParams, fetch_contents, fetch_parts
from stackspark.sources.indexes import reads_s3
from stackspark.sources.specs import SourceSpec
from stackspark.stages.assign_licenses import assign_licenses
from stackspark.stages.attach_blobs import attach_blobs
from stackspark.stages.build_documents import build_documents
from stackspark.stages.collect_declarations import collect_declarations
from stackspark.stages.collect_quarantine import collect_quarantine
from stackspark.stages.compare_copies import compare_copies
from stackspark.stages.count_removals import (
    KINDS,
    CountRemovalsParams,
    count_removals,
    select_removed,
)
from stackspark.stages.describe_files import describe_files
from stackspark.stages.detect_licenses import TEXTS_PER_TASK, detect_licenses
from stackspark.stages.finalize_verdicts import finalize_verdicts
from stackspark.stages.fingerprint_listing import fingerprint_listing, fingerprint_rows
from stackspark.stages.list_shingles import ListShinglesParams, list_shingles
from stackspark.stages.match_opt_outs import match_file_opt_outs, match_opt_outs
from stackspark.stages.merge_license_texts import merge_license_texts
from stackspark.stages.merge_measurements import merge_file_languages, merge_measurements
from stackspark.stages.record_near_duplicates import (
    RecordNearDuplicatesParams,
    record_near_duplicates,
)
from stackspark.stages.record_refused_origins import record_refused_origins
from stackspark.stages.request_contents import request_contents
from stackspark.stages.request_license_texts import request_license_texts
from stackspark.stages.request_scans import request_scans
from stackspark.stages.scan_contents import (
    GROUPS,
    LICENSE_HEADER,
    LICENSE_TEXT,
    ScanContentsParams,
    scan_contents,
)
from stackspark.stages.select_files import select_files
from stackspark.stages.select_origins import select_origins
from stackspark.stages.select_representatives import select_representatives
from stackspark.stages.shape_documents_export import shape_documents_export
from stackspark.stages.shape_files_export import shape_files_export
from stackspark.stages.shape_ids_export import shape_ids_export
from stackspark.stages.shape_notices_export import shape_notices_export
from stackspark.steps import (
    Check,
    RunContext,
    StepRecord,
    Write,
    code_version,
    fingerprint,
    plain,
    run_step,
)

UNUSABLE = ("missing", "corrupt")
"""Outcomes of fetching that leave nothing to keep; the file is quarantined."""

OPT_OUTS_DDL = "request_id string, kind string, value string, repository string, pattern string"
"""Columns of a table of `OptOutRequest`."""

STEPS = ("list", "fetch", "scan", "licenses", "verdicts", "rates", "documents", "export")
"""The steps of a run, in their order."""

TASKS_PER_CORE = 4
"""So that one long task does not hold up a step's end; what is listed and fetched is the same."""

READERS = ("scan", "files", "documents", "notices")
"""What reads texts of `contents`."""

Notes = dict[str, Any]


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
    benchmarks: BenchmarkMatcher

    @property
    def in_s3(self) -> bool:
        """Whether Spark has to read a source from an object store."""
        return any(map(reads_s3, self.indexes))


class Pipeline:
    """The steps of one run, in their order."""

    def __init__(self, context: RunContext, inputs: Inputs) -> None:
        self.context, self.inputs, self.recipe = context, inputs, inputs.recipe
        self.reads = {name: ReadMetrics(context.spark) for name in READERS}
        self.fetched = FetchMetrics(context.spark)

    def steps(self) -> dict[str, Callable[[], StepRecord]]:
        """Every step by name."""
        steps = (
            self.list_origins,
            self.fetch,
            self.scan,
            self.licenses,
            self.verdicts,
            self.rates,
            self.documents,
            self.export,
        )
        return dict(zip(STEPS, steps, strict=True))

    def list_origins(self) -> StepRecord:
        """List what the sources hold, and choose one origin per root directory."""
        return self._step("list", self._listing_fingerprint, None, self._list)

    def fetch(self) -> StepRecord:
        """Fetch and decode the contents that the lake does not have yet."""
        recipe = self.recipe
        params = (recipe.fetching.max_text_bytes, recipe.fetching.limits, self.inputs.opt_outs)
        return self._step("fetch", self._after("list"), params, self._fetch)

    def scan(self) -> StepRecord:
        """Measure the blobs, and the names of blobs, that were not measured yet."""
        versions: dict[str, Any] = dict(self._scan_params.versions)
        versions |= {
            "license_texts": self._detector_version,
            "license_headers": self.recipe.license_texts.headers,
        }
        return self._step("scan", self._after("fetch"), versions, self._scan)

    def licenses(self) -> StepRecord:
        """Decide the licence of every file."""
        return self._step("licenses", self._after("scan"), self.recipe.licenses, self._license)

    def verdicts(self) -> StepRecord:
        """Apply the rules, then find the near-duplicates among what they all keep."""
        recipe = self.recipe
        last = self._last.fingerprints["documents"] if self._last else None
        duplicates = (recipe.keep_order, recipe.near_duplicates.search, last)
        params = (recipe.filters, *duplicates, self.inputs.opted_out)
        return self._step("verdicts", self._after("licenses"), params, self._judge)

    def rates(self) -> StepRecord:
        """Stop where near-duplicates removed more or less than the recipe allows."""
        bands = self.recipe.near_duplicates.removal_bands
        return self._step("rates", self._after("verdicts"), bands, self._rate)

    def documents(self) -> StepRecord:
        """Put the kept files of each repository in order."""
        return self._step("documents", self._after("verdicts"), self.recipe.documents, self._cut)

    def export(self) -> StepRecord:
        """Write the shards; each export reads the kept files' contents once."""
        params = (self.recipe.shards, self.recipe.exports)
        return self._step("export", self._after("documents"), params, self._export)

    @cached_property
    def file_verdicts(self) -> DataFrame:
        """What became of each file: one row per file, with the twin of a duplicate."""
        repeated = self.context.table("near_duplicates")
        verdicts = finalize_verdicts(self._resolved, self._representatives, repeated)
        return self.context.scratch.write(verdicts, "file_verdicts")

    def _step(
        self,
        name: str,
        inputs: Callable[[], Sequence[str]],
        params: Any,
        produce: Callable[[Notes], Iterator[Write | Check]],
    ) -> StepRecord:
        return run_step(self.context, name, inputs, params, produce)

    def _after(self, step: str) -> Callable[[], Sequence[str]]:
        return lambda: [self.context.fingerprint(step)]

    def _known(self, table: str) -> DataFrame:
        """What the lake knows of a table that only grows; empty in a new lake."""
        known = self.context.known(table)
        ddl = table_contract(table).ddl
        return self.context.spark.createDataFrame([], ddl) if known is None else known

    @property
    def _num_tasks(self) -> int:
        """Tasks of steps whose rows are narrow and whose work is not: Spark would make one."""
        return TASKS_PER_CORE * self.context.spark.sparkContext.defaultParallelism

    @property
    def _fetching(self) -> FetchParams:
        return replace(self.recipe.fetching, num_tasks=self._num_tasks)

    def _grow(self, table: str, rows: DataFrame, key: Sequence[str]) -> Write:
        """Add rows to a table that only grows; rows that replace others make it rewrite itself."""
        known = self.context.known(table)
        if known is None or not known.join(rows, list(key), how="left_semi").limit(1).count():
            return Write(table=table, rows=rows, mode="append")
        kept = known.join(rows.select(*key), list(key), how="left_anti")
        return Write(table=table, rows=kept.select(*known.columns).unionByName(rows))

    # list

    @cached_property
    def _listings(self) -> Listings:
        sources = Sources(
            containers=self.inputs.containers,
            indexes=self.inputs.indexes,
            event_files=self.inputs.event_files,
        )
        params = replace(self.recipe.listing, num_tasks=self._num_tasks)
        context = self.context
        return Listings(context.spark, context.scratch, sources, params, self._requests)

    def _listing_fingerprint(self) -> Sequence[str]:
        parts = [fingerprint_listing(self._listings.rows)]
        if self.inputs.event_files:
            # What events tell of an origin, and of themselves, is no row of listing.
            parts += map(fingerprint_rows, (self._listings.origins, self._listings.quarantine))
        return [":".join(map(str, row)) for part in parts for row in part.collect()]

    @cached_property
    def _requests(self) -> DataFrame:
        rows = [list(asdict(request).values()) for request in self.inputs.opt_outs]
        return self.context.spark.createDataFrame(rows, OPT_OUTS_DDL)

    def _list(self, notes: Notes) -> Iterator[Write]:
        yield Write(table="origins", rows=select_origins(self._listings.origins))
        notes |= self._container_counts()

    def _container_counts(self) -> Notes:
        """What became of each container: the balance of the first step."""
        listed = self._listings.listed("origin")
        with_files = listed.where(F.col("num_files") > 0)
        broken = self._listings.listed("quarantine").where(F.col("grain") == "origin")
        num_indexed, num_refused = self._listings.num_index_origins
        num_listed, num_with_files = listed.count(), with_files.count()
        selected = self.context.table("origins").count()
        return {
            "containers": len(self.inputs.containers) + self.inputs.num_opted_out + num_indexed,
            "opted_out": self.inputs.num_opted_out + num_refused,
            "selected": selected,
            "same_root": num_with_files - selected,
            "without_files": num_listed - num_with_files,
            "quarantined": broken.count(),
        }

    # fetch

    @cached_property
    def _files(self) -> DataFrame:
        """Files of the selected origins, with the places of their bytes."""
        origins = self.context.table("origins")
        files = select_files(
            self._listings.listed("origin"), self._listings.listed("file"), origins
        )
        return self.context.scratch.write(files, "files")

    @cached_property
    def _opt_outs(self) -> DataFrame:
        """Rows of `ledger` for what requests cover among the origins and files that were listed."""
        requests, origins = self._requests, self.context.table("origins")
        of_files = match_file_opt_outs(self._files, origins, requests)
        of_origins = match_opt_outs(self._listings.origins, requests)
        return self.context.scratch.write(of_files.unionByName(of_origins), "opt_outs")

    def _fetch(self, notes: Notes) -> Iterator[Write]:
        known, origins = self._known("contents"), self.context.table("origins")
        wanted = request_contents(self._files, origins, self._opt_outs, known)
        requests = self.context.scratch.write(wanted, "requests")
        notes["requested"] = requests.count()
        started = time.monotonic()
        *parts, last = fetch_parts(requests, notes["requested"], self._fetching)
        for part in parts:
            yield self._fetched(part, is_part=True)
            self._say_fetched(notes["requested"], time.monotonic() - started)
        yield self._fetched(last)
        again = self._fetched_again(requests)
        recovered = again.where(~F.col("status").isin(*UNUSABLE))
        if recovered.limit(1).count():
            yield self._contents_write(recovered)
        notes["stored"] = self._costs()
        files = attach_blobs(self._files, self.context.table("contents"))
        yield Write(table="files", rows=files, checks=self._all_files)
        broken = again.where(F.col("status").isin(*UNUSABLE))
        located = broken.join(requests, "content_id", how="inner")
        yield Write(table="quarantine", rows=collect_quarantine(self._listings.quarantine, located))

    def _fetched(self, requests: DataFrame, *, is_part: bool = False) -> Write:
        fetched = fetch_contents(requests, self._fetching, self.fetched)
        return self._contents_write(fetched.where(~F.col("status").isin(*UNUSABLE)), is_part)

    def _contents_write(self, usable: DataFrame, is_part: bool = False) -> Write:
        columns = table_contract("contents").column_names
        return Write(table="contents", rows=usable.select(*columns), mode="append", is_part=is_part)

    def _fetched_again(self, requests: DataFrame) -> DataFrame:
        """What could not be fetched, asked for once more; few, and written before it is judged."""
        contents = self.context.table("contents").select("content_id")
        failed = requests.join(contents, "content_id", how="left_anti")
        fetched = fetch_contents(failed, self._fetching, self.fetched)
        return self.context.scratch.write(fetched, "fetched_again")

    def _say_fetched(self, num_requested: int, seconds: float) -> None:
        """Tell after each commit how far fetching is, and how fast."""
        totals = self.fetched.totals()
        if totals["contents"]:
            speed = totals["body_bytes"] / 1e6 / seconds
            self.context.progress.say(
                f"  fetch              {totals['contents']:,} of {num_requested:,} contents, "
                f"{speed:,.1f} MB/s"
            )

    def _costs(self) -> Notes:
        """Requests to stores of contents, what they moved and what that costs."""
        totals, store = self.fetched.totals(), self.recipe.fetching.store
        usd = totals["requests"] * store.usd_per_million_requests / 1e6
        usd += totals["body_bytes"] / 1e9 * store.usd_per_gb
        return {**totals, "usd": round(usd, 6)}

    def _all_files(self, written: WriteResult) -> Sequence[TableRule]:
        total = self.context.table("origins").agg(F.sum("num_files")).collect()[0][0] or 0
        detail = f"origins list {total:,} files, the table holds {written.num_rows:,}"
        return [TableRule("files_are_conserved", total == written.num_rows, detail)]

    # scan

    @cached_property
    def _scan_params(self) -> ScanContentsParams:
        minhash = self.recipe.near_duplicates.minhash
        return ScanContentsParams(minhash=minhash, benchmarks=self.inputs.benchmarks)

    @property
    def _detector_version(self) -> str:
        return self.recipe.license_texts.version

    @cached_property
    def _license_files(self) -> DataFrame:
        """Blobs of licence files that the detector has not seen."""
        table = self.context.table
        wanted = request_license_texts(
            table("files"),
            table("contents"),
            self._known("license_texts"),
            self._detector_version,
            headers=self.recipe.license_texts.headers,
        )
        return self.context.scratch.write(wanted, "license_files")

    def _scan(self, notes: Notes) -> Iterator[Write]:
        contents, versions = self.context.table("contents"), self._scan_params.versions
        texts = contents.where(F.col("status") == "ok").select("blob_id")
        named = self.context.table("files").join(texts, "blob_id", how="left_semi")
        known, languages = self._known("measurements"), self._known("file_languages")
        requests = request_scans(named, known, languages, GROUPS, versions)
        licensed = self._license_files.select(
            "blob_id",
            F.array(F.when(F.col("part") == TEXT, LICENSE_TEXT).otherwise(LICENSE_HEADER)).alias(
                "groups"
            ),
            F.lit(None).cast("string").alias("name"),
        )
        plan = plan_reads(requests.unionByName(licensed), contents)
        scanned = self.context.scratch.write(
            scan_contents(plan, self._scan_params, self.reads["scan"]), "scanned"
        )
        notes["read"] = self.reads["scan"].totals()
        measured = merge_measurements(scanned, known, versions, GROUPS)
        yield self._grow("measurements", measured, ["blob_id"])
        detected = merge_file_languages(scanned, versions["languages"])
        yield self._grow("file_languages", detected, ["blob_id", "name"])
        yield self._grow("license_texts", self._license_texts(scanned), ["blob_id"])

    def _license_texts(self, scanned: DataFrame) -> DataFrame:
        handed = scanned.where(F.col("license_text").isNotNull())
        texts = handed.join(self._license_files.drop("status"), "blob_id", how="inner")
        num_tasks = 1 + texts.count() // TEXTS_PER_TASK
        detected = detect_licenses(texts, self.recipe.license_texts, num_tasks)
        # Stored first: detection is slow, and growing a table reads its new rows twice.
        stored = self.context.scratch.write(detected, "detected_licenses")
        unread = self._license_files.where(F.col("status") != "ok")
        return merge_license_texts(stored, unread, self._detector_version)

    # licenses

    def _license(self, _: Notes) -> Iterator[Write]:
        table = self.context.table
        declarations = collect_declarations(
            table("files"), table("file_languages"), table("license_texts")
        )
        assigned = assign_licenses(
            table("files"),
            declarations,
            table("measurements"),
            table("origins"),
            self.recipe.licenses,
            headers=self._headers,
        )
        # Stored, because the copies of a text are compared with all rows.
        stored = self.context.scratch.write(assigned, "assigned_licenses")
        rows = compare_copies(stored, table("files"), table("measurements"))
        yield Write(table="licenses", rows=rows, checks=self._one_per_file)

    @property
    def _headers(self) -> DataFrame | None:
        """What the first lines of files state, where the recipe asks for it."""
        if not self.recipe.license_texts.headers:
            return None
        texts = self.context.table("license_texts")
        return texts.where((F.col("part") == HEADER) & F.col("expression").isNotNull())

    def _one_per_file(self, written: WriteResult) -> Sequence[TableRule]:
        total = self.context.table("files").count()
        detail = f"there are {total:,} files, the table holds {written.num_rows:,} rows"
        return [TableRule("one_row_per_file", total == written.num_rows, detail)]

    # verdicts

    @cached_property
    def _rule_verdicts(self) -> DataFrame:
        """Rows of `ledger` of every rule but those on duplicates."""
        if "ledger" in self.context.versions:
            return without_duplicates(self.context.table("ledger"))
        recipe, tables = self.recipe, self.context.tables()
        rows = [(url, request) for url, request in self.inputs.opted_out.items()]
        refused = self.context.spark.createDataFrame(rows, REFUSED_DDL)
        refused = refused.unionByName(self._listings.refused)
        verdicts = (
            rule_verdicts(tables, recipe.filters, recipe.fetching.max_text_bytes)
            .unionByName(self._opt_outs)
            .unionByName(record_refused_origins(refused))
        )
        return self.context.scratch.write(verdicts, "verdicts")

    @cached_property
    def _resolved(self) -> DataFrame:
        verdicts = resolved(self.context.tables(), self._rule_verdicts)
        return self.context.scratch.write(verdicts, "resolved")

    @cached_property
    def _representatives(self) -> DataFrame:
        licenses, origins = self.context.table("licenses"), self.context.table("origins")
        order = self.recipe.keep_order
        chosen = select_representatives(self._resolved, licenses, origins, order)
        return self.context.scratch.write(chosen, "representatives")

    def _judge(self, notes: Notes) -> Iterator[Write]:
        params, scratch = self.recipe.near_duplicates.search, self.context.scratch
        candidates = near_duplicate_candidates(
            self._representatives, self.context.table("measurements"), params, self._published
        )
        found = find_near_duplicates(candidates, params, scratch, self._shingles_of)
        notes["rounds"] = [asdict(each) for each in found.rounds]
        notes["published_run"] = self._last.run_id if self._last else None
        settled = [settled_rule(found)]
        yield Write(table="near_duplicates", rows=found.rows, checks=lambda _: settled)
        limit = RecordNearDuplicatesParams(threshold=params.threshold)
        repeated = record_near_duplicates(self.context.table("near_duplicates"), limit)
        yield Write(table="ledger", rows=self._rule_verdicts.unionByName(repeated))

    @cached_property
    def _last(self) -> Publication | None:
        """The published run whose files stay, if the recipe says so and there is one.

        A run that is repeated goes by the same one as before, not by itself.
        """
        lake, spark = self.context.lake, self.context.spark
        last = lake.published(spark) if self.recipe.near_duplicates.prefer_published else None
        if last is None or last.fingerprints["licenses"] != self.context.fingerprint("licenses"):
            return last
        judged = lake.audited_step(spark, "verdicts", last.fingerprints["verdicts"])
        before = json.loads(judged["metrics"])["notes"].get("published_run") if judged else None
        return lake.published(spark, before) if before else None

    @property
    def _published(self) -> DataFrame | None:
        """Documents of the published run whose files stay."""
        if self._last is None:
            return None
        version = self._last.table_versions["documents"]
        return self.context.lake.read(self.context.spark, "documents", version)

    def _shingles_of(self, wanted: DataFrame) -> DataFrame:
        plan = plan_reads(wanted, self.context.table("contents"))
        minhash = self.recipe.near_duplicates.minhash
        return list_shingles(plan, ListShinglesParams(minhash=minhash))

    # rates

    def _rate(self, notes: Notes) -> Iterator[Check]:
        bands = self.recipe.near_duplicates.removal_bands
        limit = CountRemovalsParams(min_files=bands.min_files)
        counted = count_removals(self.file_verdicts, self.context.table("origins"), limit)
        rates = removal_rates(counted.collect(), bands)
        notes["removal_bands"] = band_notes(rates)
        rule = bands_rule(rates, self._families_of(shown_breaches(rates)))
        yield Check(table="near_duplicates", rules=[rule])

    def _families_of(self, breaches: Sequence[RemovalBandRow]) -> tuple[FamilyRow, ...]:
        """The largest families among what went of the languages and sources of a few rates."""
        if not breaches:
            return ()
        verdicts, origins = self.file_verdicts, self.context.table("origins")
        keys = {kind: [rate.key for rate in breaches if rate.kind == kind] for kind in KINDS}
        removed = select_removed(verdicts, origins, keys["language"], keys["source"])
        twins = self.context.table("near_duplicates").join(removed, "blob_id", how="left_semi")
        return families("near", largest_families(twins, verdicts, origins, TOP_FAMILIES).collect())

    # documents

    @cached_property
    def _kept(self) -> DataFrame:
        return self.file_verdicts.where(F.col("status") == "kept")

    def _cut(self, notes: Notes) -> Iterator[Write]:
        counts = self.file_verdicts.groupBy("status").count().collect()
        found = {row["status"]: row["count"] for row in counts}
        yield Write(table="documents", rows=build_documents(self._kept, self.recipe.documents))
        placed = self.context.table("documents").agg(F.sum("num_files")).collect()[0][0] or 0
        notes |= {"verdicts": found, "files": placed}

    # export

    @cached_property
    def _described(self) -> DataFrame:
        """Everything that exports publish of a kept file."""
        names = ("origins", "licenses", "file_languages", "measurements", "contents")
        ids = ["directory_id", "path"]
        files = self.context.table("files").join(self._kept.select(*ids), ids, how="left_semi")
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
        notices = shape_notices_export(self._kept, **tables)
        return self.context.scratch.write(notices, "notices")

    def export_folder(self, dataset: str) -> str:
        """Folder of an export; its name comes from what the export is made of."""
        return joined(self.context.lake.root, "shards", dataset, self._export_id(dataset))

    def _export_id(self, dataset: str) -> str:
        made_of = [self.context.fingerprint("documents"), dataset, plain(self.recipe.shards)]
        return fingerprint("export", made_of[:1], made_of[1:])[:16]

    def _export(self, notes: Notes) -> Iterator[Write]:
        shards: dict[str, list[Shard]] = {}
        for dataset in self.recipe.exports:
            shards[dataset] = self._write_export(dataset, self.export_folder(dataset))
        notes["files"] = {
            dataset: sum(sum(shard.language_counts.values()) for shard in found)
            for dataset, found in shards.items()
            if dataset != "notices"
        }
        notes["read"] = {name: metrics.totals() for name, metrics in self.reads.items()}
        rows = [
            shard_rows(self.context.spark, dataset, self._export_id(dataset), found)
            for dataset, found in shards.items()
        ]
        yield Write(table="shards", rows=reduce(DataFrame.unionByName, rows))

    def describe_exports(self, summary: RunSummary) -> None:
        """Write manifest and card of each export: from here on its folder is a dataset."""
        rows = self.context.table("shards").collect()
        provenance = {
            "recipe": plain(self.recipe),
            "code_version": code_version(),
            "table_fingerprint": self.context.fingerprint("documents"),
        }
        for dataset in self.recipe.exports:
            folder = self.export_folder(dataset)
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

    def _write_export(self, dataset: str, folder: str) -> list[Shard]:
        contents, params = self.context.table("contents"), self.recipe.shards
        if dataset == "files":
            rows = shape_files_export(self._described)
            return export_files(rows, contents, folder, params, self.reads["files"])
        if dataset == "documents":
            reads = self.reads["documents"]
            return export_documents(self._document_files, contents, folder, params, reads)
        if dataset == "notices":
            return export_notices(self._notices, contents, folder, params, self.reads["notices"])
        return export_ids(shape_ids_export(self._document_files), folder, params)


def settled_rule(found: NearDuplicateResult) -> TableRule:
    """The search went on until a round found nothing: a dataset may not hold what it left."""
    detail = f"{found.last_round}; raise near_duplicates.max_rounds"
    return TableRule("search_is_settled", found.is_settled, detail)
