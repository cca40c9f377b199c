"""The recipe as code: sources -> tables -> verdicts -> shards, and the only place that composes.

Each step reads tables, calls stages and yields the new versions of its tables, which `steps`
writes, checks and records. What was done before with the same inputs, parameters and code is taken
over.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import cached_property

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.gate import TableRule
from stackspark.duplicates.count_removals import (
    KINDS,
    CountRemovalsParams,
    count_removals,
    select_removed,
)
from stackspark.duplicates.families import FamilyRow
from stackspark.duplicates.finalize_verdicts import finalize_verdicts
from stackspark.duplicates.near.candidates import near_duplicate_candidates
from stackspark.duplicates.near.list_shingles import ListShinglesParams, list_shingles
from stackspark.duplicates.near.record_near_duplicates import (
    RecordNearDuplicatesParams,
    record_near_duplicates,
)
from stackspark.duplicates.near.search import NearDuplicateResult, find_near_duplicates
from stackspark.duplicates.near.tables.name_pairs import PAIR
from stackspark.duplicates.removal_bands import (
    TOP_FAMILIES,
    RemovalRate,
    band_notes,
    bands_rule,
    removal_rates,
    shown_breaches,
)
from stackspark.duplicates.select_representatives import select_representatives
from stackspark.export.build_documents import build_documents
from stackspark.lake.content_reader import ReadMetrics, plan_reads
from stackspark.lake.delta_tables import WriteResult
from stackspark.lake.lake import Publication
from stackspark.licenses.assign_licenses import assign_licenses
from stackspark.licenses.collect_declarations import collect_declarations
from stackspark.licenses.compare_copies import compare_copies
from stackspark.licenses.detect_licenses import TEXTS_PER_TASK, detect_licenses
from stackspark.licenses.detector.answers import HEADER, TEXT
from stackspark.licenses.merge_license_texts import merge_license_texts
from stackspark.licenses.request_license_texts import request_license_texts
from stackspark.opt_outs.record_refused_origins import record_refused_origins
from stackspark.report.aggregates import largest_families
from stackspark.report.fold import families
from stackspark.rules.judge import resolved, rule_verdicts, without_duplicates
from stackspark.run.canaries import canaries_rule, score_canaries
from stackspark.run.count_breaches import CountBreachesParams, count_breaches
from stackspark.run.export import Exports
from stackspark.run.list_and_fetch import Gathering, Inputs
from stackspark.run.step import Check, Notes, RunContext, Step, Write
from stackspark.runtime.formatting import visible
from stackspark.scan.merge_measurements import merge_file_languages, merge_measurements
from stackspark.scan.request_scans import request_scans
from stackspark.scan.scan_contents import (
    GROUPS,
    LICENSE_HEADER,
    LICENSE_TEXT,
    ScanContentsParams,
    scan_contents,
)
from stackspark.sources.canaries import SOURCE as CANARY_SOURCE
from stackspark.sources.origins.index_listings import REFUSED_DDL

STEPS = ("list", "fetch", "scan", "licenses", "verdicts", "rates", "documents", "export")
"""The steps of a run, in their order."""

SCAN_PART_BYTES = 16 << 30
"""Text that is measured, and committed, together: what a killed run does again at most."""
MAX_SCAN_PARTS = 256
"""Commits of one scan at most, two each."""


class Pipeline:
    """The steps of one run, in their order."""

    def __init__(self, context: RunContext, inputs: Inputs) -> None:
        self.context, self.inputs, self.recipe = context, inputs, inputs.recipe
        self.gathering = Gathering(context, inputs)
        self.exports = Exports(context, inputs.recipe, lambda: self._kept)
        self._scanned, self._compared = (ReadMetrics(context.spark) for _ in range(2))

    def steps(self) -> dict[str, Callable[[], Step]]:
        """Every step by name; each can be made when those before it are done, or planned."""
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

    def list_origins(self) -> Step:
        """List what the sources hold, and choose one origin per root directory."""
        gathering = self.gathering
        return Step("list", gathering.listing_fingerprint, {}, gathering.list)

    def fetch(self) -> Step:
        """Fetch and decode the contents that the lake does not have yet."""
        fetching = self.recipe.fetching
        params = {
            "fetching": {"max_text_bytes": fetching.max_text_bytes, "limits": fetching.limits},
            "opt_outs": self.inputs.opt_outs,
        }
        return Step("fetch", "list", params, self.gathering.fetch)

    def scan(self) -> Step:
        """Measure the blobs, and the names of blobs, that were not measured yet."""
        detector = self.recipe.license_texts
        of_licenses = {"version": detector.version, "headers": detector.headers}
        params = {**self._scan_params.versions, "license_texts": of_licenses}
        return Step("scan", "fetch", params, self._scan)

    def licenses(self) -> Step:
        """Decide the licence of every file."""
        return Step("licenses", "scan", {"licenses": self.recipe.licenses}, self._license)

    def verdicts(self) -> Step:
        """Apply the rules, then find the near-duplicates among what they all keep."""
        recipe = self.recipe
        params = {
            "filters": recipe.filters,
            "keep_order": recipe.keep_order,
            "near_duplicates": recipe.near_duplicates.search,
            "published_documents": self._last.fingerprints["documents"] if self._last else None,
            "opted_out_origins": self.inputs.opted_out,
        }
        return Step("verdicts", "licenses", params, self._judge)

    def rates(self) -> Step:
        """Stop where tables contradict each other, or the search removed too much or little."""
        bands = {"removal_bands": self.recipe.near_duplicates.removal_bands}
        return Step("rates", "verdicts", {"near_duplicates": bands}, self._rate)

    def documents(self) -> Step:
        """Put the kept files of each repository in order."""
        return Step("documents", "verdicts", {"documents": self.recipe.documents}, self._cut)

    def export(self) -> Step:
        """Write the shards; each export reads the kept files' contents once."""
        params = {"shards": self.recipe.shards, "exports": self.recipe.exports}
        exports = self.exports
        return Step("export", "documents", params, exports.write, exports.are_there)

    @cached_property
    def file_verdicts(self) -> DataFrame:
        """What became of each file: one row per file, with the twin of a duplicate; no canary."""
        if not self.inputs.canaries:
            return self._all_verdicts
        return self._all_verdicts.where(~F.col("directory_id").isin(self._canary_roots))

    @cached_property
    def _canary_roots(self) -> list[str]:
        """Root directory of the canaries: one row, so that no query has to look through origins."""
        origins = self.context.table("origins")
        rows = origins.where(F.col("source") == CANARY_SOURCE).select("directory_id").collect()
        return [row["directory_id"] for row in rows]

    @cached_property
    def _all_verdicts(self) -> DataFrame:
        repeated = self.context.table("near_duplicates")
        verdicts = finalize_verdicts(self._resolved, self._representatives, repeated)
        return self.context.scratch.write(verdicts, "file_verdicts")

    def _grow(self, table: str, rows: DataFrame, key: Sequence[str]) -> Write:
        """Add rows to a table that only grows; rows that replace others make it rewrite itself."""
        known = self.context.known(table)
        if known is None or not known.join(rows, list(key), how="left_semi").limit(1).count():
            return Write(table=table, rows=rows, mode="append")
        kept = known.join(rows.select(*key), list(key), how="left_anti")
        return Write(table=table, rows=kept.select(*known.columns).unionByName(rows))

    # scan

    @cached_property
    def _scan_params(self) -> ScanContentsParams:
        minhash = self.recipe.near_duplicates.minhash
        return ScanContentsParams(minhash=minhash, benchmarks=self.inputs.benchmarks)

    def _scan(self, notes: Notes) -> Iterator[Write]:
        contents, versions = self.context.table("contents"), self._scan_params.versions
        texts = contents.where(F.col("status") == "ok").select("blob_id")
        named = self.context.table("files").join(texts, "blob_id", how="left_semi")
        known, languages = (
            self.context.known_or_empty(name) for name in ("measurements", "file_languages")
        )
        wanted = request_scans(named, known, languages, GROUPS, versions)
        wanted = wanted.unionByName(self._license_requests)
        requests = self.context.scratch.write(wanted, "scans")
        *parts, last = self._scan_parts(requests, contents, known)
        for part in parts:
            yield from (replace(each, is_part=True) for each in self._measured(requests, part))
        yield from self._measured(requests, last)
        notes["read"] = self._scanned.totals()

    def _scan_parts(
        self, requests: DataFrame, contents: DataFrame, known: DataFrame
    ) -> list[DataFrame]:
        """Cut `contents` by data file into parts that are measured, and committed, one by one.

        Rows that replace others make `measurements` rewrite itself, so they come in one part.
        """
        if _text_bytes(contents) <= SCAN_PART_BYTES:
            return [contents]
        again = requests.where(F.size("groups") > 0).join(known, "blob_id", how="left_semi")
        text_bytes = _text_bytes(contents.join(requests, "blob_id", how="left_semi"))
        count = min(max(1, -(-text_bytes // SCAN_PART_BYTES)), MAX_SCAN_PARTS)
        if count == 1 or again.limit(1).count():
            return [contents]
        file = F.pmod(F.xxhash64("_metadata.file_path"), F.lit(count))
        return [contents.where(file == number) for number in range(count)]

    def _measured(self, requests: DataFrame, contents: DataFrame) -> Iterator[Write]:
        """Measure the requested texts of one part."""
        versions = self._scan_params.versions
        plan = plan_reads(requests, contents)
        scanned = self.context.scratch.write(
            scan_contents(plan, self._scan_params, self._scanned), "scanned"
        )
        known = self.context.known_or_empty("measurements")
        measured = merge_measurements(scanned, known, versions, GROUPS)
        yield self._grow("measurements", measured, ["blob_id"])
        detected = merge_file_languages(scanned, versions["languages"])
        yield self._grow("file_languages", detected, ["blob_id", "name"])
        yield self._grow("license_texts", self._license_texts(scanned, contents), ["blob_id"])

    @cached_property
    def _license_files(self) -> DataFrame:
        """Blobs of licence files that the detector has not seen."""
        table, detector = self.context.table, self.recipe.license_texts
        wanted = request_license_texts(
            table("files"),
            table("contents"),
            self.context.known_or_empty("license_texts"),
            detector.version,
            headers=detector.headers,
        )
        return self.context.scratch.write(wanted, "license_files")

    @property
    def _license_requests(self) -> DataFrame:
        """The texts of licence files, or their first lines, as requests of a scan."""
        group = F.when(F.col("part") == TEXT, LICENSE_TEXT).otherwise(LICENSE_HEADER)
        nameless = F.lit(None).cast("string").alias("name")
        return self._license_files.select("blob_id", F.array(group).alias("groups"), nameless)

    def _license_texts(self, scanned: DataFrame, contents: DataFrame) -> DataFrame:
        """What the detector finds in the licence files of one part."""
        files = self._license_files.join(contents.select("blob_id"), "blob_id", how="left_semi")
        handed = scanned.where(F.col("license_text").isNotNull())
        texts = handed.join(files.drop("status"), "blob_id", how="inner")
        num_tasks = 1 + texts.count() // TEXTS_PER_TASK
        detected = detect_licenses(texts, self.recipe.license_texts, num_tasks)
        # Stored first: detection is slow, and growing a table reads its new rows twice.
        stored = self.context.scratch.write(detected, "detected_licenses")
        unread = files.where(F.col("status") != "ok")
        return merge_license_texts(stored, unread, self.recipe.license_texts.version)

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
        refused = refused.unionByName(self.gathering.listings.refused)
        verdicts = (
            rule_verdicts(tables, recipe.filters, recipe.fetching.max_text_bytes)
            .unionByName(self.gathering.opt_outs)
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
        found = find_near_duplicates(
            candidates, params, scratch, self._shingles_of, self._known_similarities
        )
        version = F.lit(self._scan_params.versions["shingles"]).alias("shingles_version")
        yield self._grow("similarities", found.similarities.select("*", version), PAIR)
        notes["rounds"] = [asdict(each) for each in found.rounds]
        notes["published_run"] = self._last.run_id if self._last else None
        settled = [settled_rule(found)]
        yield Write(table="near_duplicates", rows=found.rows, checks=lambda _: settled)
        limit = RecordNearDuplicatesParams(threshold=params.threshold)
        repeated = record_near_duplicates(self.context.table("near_duplicates"), limit)
        yield Write(table="ledger", rows=self._rule_verdicts.unionByName(repeated))
        notes["read"] = self._compared.totals()

    @property
    def _known_similarities(self) -> DataFrame | None:
        """Similarities of the shingles that are asked for; None in a new lake."""
        known = self.context.known("similarities")
        if known is None:
            return None
        version = self._scan_params.versions["shingles"]
        return known.where(F.col("shingles_version") == version).drop("shingles_version")

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
        return list_shingles(plan, ListShinglesParams(minhash=minhash), self._compared)

    # rates

    def _rate(self, notes: Notes) -> Iterator[Check]:
        yield Check(table="ledger", rules=[*self._across_tables(), *self._canaries(notes)])
        bands = self.recipe.near_duplicates.removal_bands
        limit = CountRemovalsParams(min_files=bands.min_files)
        counted = count_removals(self.file_verdicts, self.context.table("origins"), limit)
        rates = removal_rates(counted.collect(), bands)
        notes["removal_bands"] = band_notes(rates)
        rule = bands_rule(rates, self._families_of(shown_breaches(rates)))
        yield Check(table="near_duplicates", rules=[rule])

    def _across_tables(self) -> list[TableRule]:
        """The rules that no single table can break."""
        filters = self.recipe.filters
        params = CountBreachesParams(
            kept_types=filters.licenses.kept_types,
            ignored_benchmarks=filters.contamination.ignored_benchmarks,
        )
        found = count_breaches(self._all_verdicts, self.context.tables(), params).collect()
        return [
            TableRule(
                row["rule"], row["num_bad"] == 0, _breach_words(row["num_bad"], row["example"])
            )
            for row in found
        ]

    def _canaries(self, notes: Notes) -> Iterator[TableRule]:
        """The rule that every canary was caught, if any rode along."""
        if self.inputs.canaries:
            mine = self._all_verdicts.where(F.col("directory_id").isin(self._canary_roots))
            causes = {row["path"]: row["cause"] for row in mine.select("path", "cause").collect()}
            rows = score_canaries(self.inputs.canaries, causes)
            notes["canaries"] = [vars(row) for row in rows]
            notes["canary_files"] = len(causes)
            yield canaries_rule(rows)

    def _families_of(self, breaches: Sequence[RemovalRate]) -> tuple[FamilyRow, ...]:
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


def _breach_words(num_bad: int, example: str | None) -> str:
    return f"{num_bad:,} break it, such as {visible(example)}" if example else "none breaks it"


def _text_bytes(contents: DataFrame) -> int:
    total = contents.agg(F.sum("length_bytes")).collect()[0][0]
    return int(total or 0)


def settled_rule(found: NearDuplicateResult) -> TableRule:
    """The search went on until a round found nothing: a dataset may not hold what it left."""
    detail = f"{found.last_round}; raise near_duplicates.max_rounds"
    return TableRule("search_is_settled", found.is_settled, detail)
