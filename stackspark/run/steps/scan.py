"""Measure the blobs, and the names of blobs, that were not measured yet."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.lake.content_reader import ReadMetrics, plan_reads
from stackspark.licenses.detect_licenses import (
    TEXTS_PER_TASK,
    DetectLicensesParams,
    detect_licenses,
)
from stackspark.licenses.detector.answers import TEXT
from stackspark.licenses.merge_license_texts import merge_license_texts
from stackspark.licenses.request_license_texts import request_license_texts
from stackspark.run.step import Notes, RunContext, Step, Write
from stackspark.scan.merge_measurements import merge_file_languages, merge_measurements
from stackspark.scan.request_scans import request_scans
from stackspark.scan.scan_contents import (
    GROUPS,
    LICENSE_HEADER,
    LICENSE_TEXT,
    ScanContentsParams,
    scan_contents,
)

PART_BYTES = 16 << 30
"""Text that is measured, and committed, together: what a killed run does again at most."""
MAX_PARTS = 256
"""Commits of one scan at most, two each."""


@dataclass(frozen=True, kw_only=True)
class ScanParams:
    """Measurements of texts, and the detector that reads licence texts."""

    contents: ScanContentsParams
    license_texts: DetectLicensesParams


def scan_step(context: RunContext, params: ScanParams) -> Step:
    """The step `scan`."""
    detector = params.license_texts
    of_licenses = {"version": detector.version, "headers": detector.headers}
    key = {**params.contents.versions, "license_texts": of_licenses}
    produce = _Scan(context, params).produce
    return Step(name="scan", module=__name__, after="fetch", params=key, produce=produce)


class _Scan:
    def __init__(self, context: RunContext, params: ScanParams) -> None:
        self.context, self.params, self.detector = context, params.contents, params.license_texts
        self.read = ReadMetrics(context.spark)

    def produce(self, notes: Notes) -> Iterator[Write]:
        contents, versions = self.context.table("contents"), self.params.versions
        texts = contents.where(F.col("status") == "ok").select("blob_id")
        named = self.context.table("files").join(texts, "blob_id", how="left_semi")
        known, languages = (
            self.context.known_or_empty(name) for name in ("measurements", "file_languages")
        )
        wanted = request_scans(named, known, languages, GROUPS, versions)
        wanted = wanted.unionByName(self._license_requests())
        requests = self.context.scratch.write(wanted, "scans")
        *parts, last = self._scan_parts(requests, contents, known)
        for part in parts:
            yield from (replace(each, is_part=True) for each in self._measured(requests, part))
        yield from self._measured(requests, last)
        notes["read"] = self.read.totals()

    def _scan_parts(
        self, requests: DataFrame, contents: DataFrame, known: DataFrame
    ) -> list[DataFrame]:
        """Cut `contents` by data file into parts that are measured, and committed, one by one.

        Rows that replace others make `measurements` rewrite itself, so they come in one part.
        """
        if _text_bytes(contents) <= PART_BYTES:
            return [contents]
        again = requests.where(F.size("groups") > 0).join(known, "blob_id", how="left_semi")
        text_bytes = _text_bytes(contents.join(requests, "blob_id", how="left_semi"))
        count = min(max(1, -(-text_bytes // PART_BYTES)), MAX_PARTS)
        if count == 1 or again.limit(1).count():
            return [contents]
        file = F.pmod(F.xxhash64("_metadata.file_path"), F.lit(count))
        return [contents.where(file == number) for number in range(count)]

    def _measured(self, requests: DataFrame, contents: DataFrame) -> Iterator[Write]:
        """Measure the requested texts of one part."""
        versions = self.params.versions
        plan = plan_reads(requests, contents)
        scanned = self.context.scratch.write(scan_contents(plan, self.params, self.read), "scanned")
        # The detector takes seconds to start, and is one process: the tables need not wait for it.
        found = self.context.background.submit(lambda: self._license_texts(scanned, contents))
        known = self.context.known_or_empty("measurements")
        measured = merge_measurements(scanned, known, versions, GROUPS)
        yield self.context.grow("measurements", measured, ["blob_id"])
        detected = merge_file_languages(scanned, versions["languages"])
        yield self.context.grow("file_languages", detected, ["blob_id", "name"])
        yield self.context.grow("license_texts", found.result(), ["blob_id"])

    def _license_files(self) -> DataFrame:
        """Blobs of licence files that the detector has not seen; stored before it sees any."""
        return self.context.once("license_files", self._request_license_texts)

    def _request_license_texts(self) -> DataFrame:
        table, detector = self.context.table, self.detector
        return request_license_texts(
            table("files"),
            table("contents"),
            self.context.known_or_empty("license_texts"),
            detector.version,
            headers=detector.headers,
        )

    def _license_requests(self) -> DataFrame:
        """The texts of licence files, or their first lines, as requests of a scan."""
        group = F.when(F.col("part") == TEXT, LICENSE_TEXT).otherwise(LICENSE_HEADER)
        nameless = F.lit(None).cast("string").alias("name")
        return self._license_files().select("blob_id", F.array(group).alias("groups"), nameless)

    def _license_texts(self, scanned: DataFrame, contents: DataFrame) -> DataFrame:
        """The detector's answers for the licence files of one part."""
        files = self._license_files().join(contents.select("blob_id"), "blob_id", how="left_semi")
        handed = scanned.where(F.col("license_text").isNotNull())
        texts = handed.join(files.drop("status"), "blob_id", how="inner")
        num_tasks = 1 + texts.count() // TEXTS_PER_TASK
        detected = detect_licenses(texts, self.detector, num_tasks)
        # Stored first: detection is slow, and growing a table reads its new rows twice.
        stored = self.context.scratch.write(detected, "detected_licenses")
        unread = files.where(F.col("status") != "ok")
        return merge_license_texts(stored, unread, self.detector.version)


def _text_bytes(contents: DataFrame) -> int:
    total = contents.agg(F.sum("length_bytes")).collect()[0][0]
    return int(total or 0)
