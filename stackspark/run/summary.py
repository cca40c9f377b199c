"""The summary of a run, from its tables and the records of its steps."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from stackspark.duplicates.families import families, largest_families, most_copied
from stackspark.duplicates.near.params import COVER
from stackspark.duplicates.removal_bands import RemovalRate
from stackspark.licenses.expression_columns import OTHER_TERMS
from stackspark.recipe.model import Recipe
from stackspark.report import aggregates, fold
from stackspark.report.summary import (
    ConservationRow,
    ContractRow,
    ExportRow,
    FailedRule,
    FetchRow,
    FunnelRow,
    Limit,
    RoundRow,
    RunSummary,
    TimingRow,
)
from stackspark.rules.catalog import FiltersParams
from stackspark.run.step import RunContext, StepRecord
from stackspark.runtime.fingerprints import code_version, plain
from stackspark.sources.canaries import SOURCE as CANARY_SOURCE
from stackspark.sources.canaries import CanaryRow

TOP_FAMILIES = 12
PARALLEL_JOBS = 3
"""Small jobs of the summary that Spark may run at a time: most of each is the driver's work."""


def summarise(
    context: RunContext,
    recipe: Recipe,
    file_verdicts: DataFrame,
    started_at: datetime,
    finished_at: datetime,
) -> RunSummary:
    """Gather everything that the page shows.

    Args:
        context: the run, all its steps done.
        recipe: of the run.
        file_verdicts: what became of each file; read several times, so stored.
        started_at: start of the run.
        finished_at: its end.
    """
    rows = _collected(context, file_verdicts)
    is_verified = recipe.near_duplicates.rule == COVER
    funnel = fold.funnel(rows["files"], is_verified)
    languages, other_languages, num_other = fold.languages(rows["files"])
    license_types, licenses = fold.licenses(rows["licenses"])
    bands = recipe.near_duplicates.minhash
    return RunSummary(
        run_id=context.run_id,
        recipe=recipe.name,
        lake=context.lake.root,
        code_version=code_version(),
        started_at=started_at,
        finished_at=finished_at,
        params=plain(recipe),
        sources=fold.sources(rows["sources"]),
        funnel=funnel,
        conservation=conservation(context, funnel),
        languages=languages,
        other_languages=other_languages,
        num_other_languages=num_other,
        removal_bands=removal_bands(context.records),
        license_types=license_types,
        licenses=licenses,
        license_conflicts=fold.conflicts(rows["conflicts"], _ignored_conflicts(recipe)),
        families=(
            *families("near", rows["near"]),
            *families("exact", rows["exact"]),
        ),
        histograms=fold.histograms(rows["bins"], histogram_limits(recipe.filters)),
        band_curve=fold.band_curve(
            bands.num_bands, bands.rows_per_band, recipe.near_duplicates.threshold
        ),
        is_verified=is_verified,
        rounds=_rounds(context.notes("near_duplicates")["rounds"]),
        quarantine=fold.quarantine(rows["quarantine"]),
        contracts=contract_rows(context.records),
        canaries=tuple(CanaryRow(**row) for row in context.notes("checks").get("canaries", ())),
        timings=tuple(map(_timing, context.records)),
        fetched=fetch_row(all_stored(context)),
        exports=_exports(context.table("shards").collect()),
        removed_example=next((f"{name}:{path}" for name, path in rows["removed"]), None),
    )


def conservation(context: RunContext, funnel: Sequence[FunnelRow]) -> tuple[ConservationRow, ...]:
    """The balance of each step: what went in is kept, removed or quarantined."""
    listed, canaries = context.notes("list"), context.notes("checks").get("canary_files", 0)
    by_kind = {row.kind: row.num_files for row in funnel}
    removed = sum(row.num_files for row in funnel if row.kind == "removed")
    quarantined = by_kind.get("quarantined", 0)
    kept = by_kind["kept"]
    files = context.num_rows("files") - canaries
    placed = context.notes("documents")["files"]
    origins = ConservationRow(
        step="list (containers)",
        num_in=listed["containers"],
        num_kept=listed["selected"],
        num_removed=listed["opted_out"] + listed["same_root"] + listed["without_files"],
        num_quarantined=listed["quarantined"],
    )
    verdicts = ConservationRow(
        step="verdicts",
        num_in=files,
        num_kept=kept,
        num_removed=removed,
        num_quarantined=quarantined,
    )
    documents = ConservationRow(
        step="documents", num_in=kept, num_kept=placed, num_removed=0, num_quarantined=0
    )
    exports = [
        ConservationRow(
            step=f"export {name}", num_in=kept, num_kept=count, num_removed=0, num_quarantined=0
        )
        for name, count in context.notes("export")["files"].items()
    ]
    return (origins, verdicts, documents, *exports)


def contract_rows(records: Sequence[StepRecord]) -> tuple[ContractRow, ...]:
    """The results of all contracts that the steps checked."""
    versions = {name: v for record in records for name, v in record.table_versions.items()}
    return tuple(
        ContractRow(
            table=table,
            version=versions.get(table, -1),
            num_rows=result["num_rows"],
            num_rules=len(result["rules"]),
            failed=tuple(_failed(rule) for rule in result["rules"] if not rule["ok"]),
        )
        for record in records
        for table, result in record.contract_results.items()
    )


def removal_bands(records: Sequence[StepRecord]) -> tuple[RemovalRate, ...]:
    """The removal rates, where a step noted them."""
    notes = (record.metrics["notes"].get("removal_bands", ()) for record in records)
    return tuple(RemovalRate(**row) for rows in notes for row in rows)


def all_stored(context: RunContext) -> Mapping[str, Any]:
    """Cost of contents from stores, in runs that were killed too."""
    unended = context.lake.unended_steps(context.spark, context.record("fetch").fingerprint)
    notes = [json.loads(row["metrics"])["notes"] for row in unended]
    told = [context.notes("fetch"), *(each for each in notes if "stored" in each)]
    return {name: sum(each["stored"][name] for each in told) for name in told[0]["stored"]}


def fetch_row(stored: Mapping[str, Any]) -> FetchRow | None:
    """Cost of contents from stores; None where there was no such content."""
    if not stored["contents"]:
        return None
    return FetchRow(
        num_contents=stored["contents"],
        num_unusable=stored["unusable"],
        num_requests=stored["requests"],
        num_retries=stored["retries"],
        body_bytes=stored["body_bytes"],
        text_bytes=stored["text_bytes"],
        usd=stored["usd"],
    )


def histogram_limits(filters: FiltersParams) -> Mapping[str, Sequence[Limit]]:
    """The limits to draw into the histograms."""
    lines, letters, encoded = filters.long_lines, filters.letters, filters.encoded_data
    return {
        "num_lines": [_limit(lines.max_num_lines, "limit")],
        "avg_line_length": [_limit(lines.max_avg_line_length, "code")],
        "max_line_length": [
            _limit(lines.max_line_length, "code"),
            _limit(lines.max_prose_line_length, "prose"),
        ],
        "alpha_fraction": [_limit(letters.min_alpha_fraction, "limit", removes="below")],
        "encoded_fraction": [_limit(encoded.max_encoded_fraction, "limit")],
    }


def _limit(value: float, name: str, removes: str = "above") -> Limit:
    return Limit(value=value, removes=removes, label=f"{name} {value:,g}")


def _collected(context: RunContext, file_verdicts: DataFrame) -> Mapping[str, list[Row]]:
    """The rows of every small table, several jobs at a time."""
    table = context.table
    origins = table("origins").where(F.col("source") != CANARY_SOURCE)
    files = ["directory_id", "path"]
    licensed = file_verdicts.join(table("licenses"), files, how="inner")
    blobs = file_verdicts.select("blob_id", "length_bytes").distinct()
    twins = table("near_duplicates").join(blobs.select("blob_id"), "blob_id", how="left_semi")
    measured = blobs.join(table("measurements"), "blob_id", how="inner")
    tables = {
        "sources": aggregates.count_sources(origins),
        "files": aggregates.count_files(file_verdicts),
        "licenses": aggregates.count_licenses(licensed),
        "conflicts": aggregates.count_conflicts(licensed, twins),
        "near": largest_families(twins, file_verdicts, origins, TOP_FAMILIES),
        "exact": most_copied(file_verdicts, origins, TOP_FAMILIES),
        "bins": aggregates.count_bins(measured),
        "quarantine": aggregates.count_quarantine(table("quarantine")),
        "removed": aggregates.first_removed(file_verdicts, origins),
    }
    with ThreadPoolExecutor(PARALLEL_JOBS) as jobs:
        rows = jobs.map(lambda frame: frame.collect(), tables.values())
        return dict(zip(tables, rows, strict=True))


def _ignored_conflicts(recipe: Recipe) -> tuple[str, ...]:
    is_ignored = recipe.filters.licenses.lineage == "ignore"
    return (OTHER_TERMS, aggregates.NEAR_TWIN) if is_ignored else ()


def _rounds(rounds: Sequence[Mapping[str, Any]]) -> tuple[RoundRow, ...]:
    return tuple(
        RoundRow(
            round=row["round"],
            num_candidate_edges=row["num_pairs"],
            num_verified_edges=row["num_verified"],
            num_removed=row["num_removed"],
        )
        for row in rounds
    )


def _failed(rule: Mapping[str, Any]) -> FailedRule:
    rows = (json.dumps(row, default=str) for row in rule["example_rows"])
    return FailedRule(
        rule=rule["rule"],
        expression=rule["detail"],
        num_failed=rule["num_bad"],
        examples=(*rows, *rule["lines"]),
    )


def _timing(record: StepRecord) -> TimingRow:
    tables = [item for name, item in record.metrics.items() if name != "notes"]
    notes = record.metrics["notes"]
    return TimingRow(
        step=record.step,
        seconds=record.seconds,
        num_rows=sum(item["rows"] for item in tables),
        read_bytes=_read_bytes(notes.get("read", {}))
        or notes.get("stored", {}).get("body_bytes", 0),
        is_taken_over=record.resumed,
        gate_seconds=0.0 if record.resumed else notes.get("gate_seconds", 0.0),
    )


def _read_bytes(read: Mapping[str, Any]) -> int:
    """Packed texts that a step read: one reader's counts, or those of several by name."""
    if "compressed_bytes" in read:
        return int(read["compressed_bytes"])
    return sum(_read_bytes(each) for each in read.values())


def _exports(shards: Sequence[Row]) -> tuple[ExportRow, ...]:
    datasets = sorted({row["dataset"] for row in shards})
    return tuple(
        ExportRow(
            dataset=dataset,
            folder=next(row["path"] for row in shards if row["dataset"] == dataset).rpartition("/")[
                0
            ],
            num_shards=sum(row["dataset"] == dataset for row in shards),
            num_rows=sum(row["num_rows"] for row in shards if row["dataset"] == dataset),
            size_bytes=sum(row["size_bytes"] for row in shards if row["dataset"] == dataset),
        )
        for dataset in datasets
    )
