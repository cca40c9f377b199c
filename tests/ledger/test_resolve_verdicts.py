"""Random tables through `resolve_verdicts`, `select_representatives` and `finalize_verdicts`.

What the stages say of every file is what the oracle says; no file is lost or doubled.
"""

import random
from typing import Any, NamedTuple

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from reference_verdicts import File, Verdict, finalized, resolved

from stackspark.duplicates.finalize_verdicts import COLUMNS as FINAL_COLUMNS
from stackspark.duplicates.finalize_verdicts import finalize_verdicts
from stackspark.duplicates.select_representatives import COLUMNS as REPRESENTATIVE_COLUMNS
from stackspark.duplicates.select_representatives import select_representatives
from stackspark.ledger.resolve_verdicts import COLUMNS as RESOLVED_COLUMNS
from stackspark.ledger.resolve_verdicts import resolve_verdicts
from stackspark.rules.catalog import RULE_ORDER, rule_order

NUM_FILES = 400
LEDGER_RULES = [rule for rule in RULE_ORDER if not rule.endswith("_duplicate")]


class World(NamedTuple):
    """The tables as lists."""

    files: list[File]
    urls: dict[str, str]
    languages: dict[tuple[str, str], str | None]
    ledger: list[Verdict]


def make_world(seed: int) -> World:
    chance = random.Random(seed)
    directories = [f"{place:040x}" for place in range(12)]
    blobs = [f"{place:040x}" for place in range(100, 190)]
    files = []
    for place in range(NUM_FILES):
        blob_id = None if chance.random() < 0.1 else chance.choice(blobs)
        name = chance.choice("ab") + ".py"
        content_id = f"{int(blob_id, 16) + 1000:040x}" if blob_id else f"{place + 5000:040x}"
        length = place if blob_id else None
        path = f"/{place}/{name}"
        files.append(File(chance.choice(directories), path, name, blob_id, content_id, length))
    urls = {directory: f"https://example.org/{directory}" for directory in directories}
    languages = {
        (file.blob_id, file.name): chance.choice(["Python", None]) for file in files if file.blob_id
    }
    return World(files, urls, languages, make_ledger(chance, files, urls))


def make_ledger(chance: random.Random, files: list[File], urls: dict[str, str]) -> list[Verdict]:
    """Verdicts at every grain, several on one subject, some on subjects without a file."""
    verdicts = {Verdict("blob", "f" * 40, "binary"), Verdict("origin", "https://x", "opt_out")}
    verdicts.add(Verdict("origin", urls[files[0].directory_id], "opt_out"))
    for file in chance.sample(files, 60):
        subjects = {
            "content": file.content_id,
            "file": file.directory_id + file.path,
        }
        if file.blob_id:
            subjects |= {"blob": file.blob_id, "named_blob": f"{file.blob_id}/{file.name}"}
        grain = chance.choice(sorted(subjects))
        for rule in chance.sample(LEDGER_RULES, chance.choice([1, 1, 2, 3])):
            verdicts.add(Verdict(grain, subjects[grain], rule))
    return sorted(verdicts)


def resolved_table(spark: SparkSession, world: World) -> DataFrame:
    return resolve_verdicts(
        spark.createDataFrame(
            world.files,
            "directory_id string, path string, name string, blob_id string, content_id string,"
            " length_bytes long",
        ),
        spark.createDataFrame(
            [(*key, language) for key, language in world.languages.items()],
            "blob_id string, name string, language string",
        ),
        spark.createDataFrame(list(world.urls.items()), "directory_id string, origin_url string"),
        spark.createDataFrame(
            [(*verdict, rule_order(verdict.rule)) for verdict in world.ledger],
            "grain string, subject_id string, rule string, rule_order int",
        ),
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_no_file_is_lost_or_doubled(spark: SparkSession, seed: int) -> None:
    world = make_world(seed)
    table = resolved_table(spark, world)
    assert tuple(table.columns) == RESOLVED_COLUMNS
    rows = table.collect()
    before = {
        (file.directory_id, file.path): resolved(file, world.urls, world.ledger)
        for file in world.files
    }
    assert len(rows) == NUM_FILES == len(before)
    assert {(row.directory_id, row.path): (row.status, row.cause) for row in rows} == before
    assert {status for status, _ in before.values()} == {"survivor", "removed", "quarantined"}
    for row in rows:
        name = row.path.rpartition("/")[2]
        assert row.language == world.languages.get((row.blob_id, name))

    chosen = representatives_of(rows)
    near = make_near_duplicates(random.Random(seed), sorted(chosen))
    final = finalize_verdicts(
        spark.createDataFrame(rows, table.schema),
        spark.createDataFrame(
            [(blob_id, *place) for blob_id, place in chosen.items()],
            "blob_id string, directory_id string, path string",
        ),
        spark.createDataFrame(
            [
                (blob, kept, "normalized_text" if rule == "normalized_duplicate" else "exact")
                for blob, (kept, rule) in near.items()
            ],
            "blob_id string, kept_blob_id string, established_by string",
        ),
    )
    assert tuple(final.columns) == FINAL_COLUMNS
    found = final.collect()
    assert len(found) == NUM_FILES
    assert {(row.directory_id, row.path): tuple(row)[6:] for row in found} == finalized(
        world.files, before, chosen, near
    )
    assert_twins_stay(found)


def assert_twins_stay(rows: list[Row]) -> None:
    kept = {(row.directory_id, row.path, row.blob_id) for row in rows if row.status == "kept"}
    duplicates = [row for row in rows if (row.cause or "").endswith("_duplicate")]
    assert {row.cause for row in duplicates} == {
        "exact_duplicate",
        "normalized_duplicate",
        "near_duplicate",
    }
    for row in duplicates:
        assert (row.kept_directory_id, row.kept_path, row.kept_blob_id) in kept


def representatives_of(rows: list[Row]) -> dict[str, tuple[str, str]]:
    """Any survivor of a blob will do here."""
    chosen: dict[str, tuple[str, str]] = {}
    for row in sorted(rows, key=lambda row: (row.path, row.directory_id)):
        if row.status == "survivor":
            chosen.setdefault(row.blob_id, (row.directory_id, row.path))
    return chosen


def make_near_duplicates(chance: random.Random, blobs: list[str]) -> dict[str, tuple[str, str]]:
    """A third of the blobs goes, for one that stays."""
    gone = chance.sample(blobs, len(blobs) // 3)
    stays = sorted(set(blobs) - set(gone))
    rules = ["normalized_duplicate", "near_duplicate"]
    return {blob: (chance.choice(stays), chance.choice(rules)) for blob in gone}


STANDING = (
    "directory_id string, repo_name string, star_events_count long, fork_events_count long,"
    " revision_date string, visit_date string"
)
BEFORE, AFTER = "2015-01-01 00:00:00", "2020-01-01 00:00:00"

BETTER: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"license_type": "permissive"}, {"license_type": "no_license", "stars": 9}),
    ({"license_type": "no_license"}, {"license_type": "non_permissive", "stars": 9}),
    ({"license_type": "non_permissive"}, {"license_type": "something new", "stars": 9}),
    ({"license_type": "non_permissive"}, {"license_type": None, "stars": 9}),
    ({"stars": 2}, {"stars": 1, "forks": 9}),
    ({"forks": 2}, {"forks": 1, "revision_date": AFTER}),
    ({"revision_date": AFTER}, {"revision_date": BEFORE, "visit_date": AFTER}),
    ({"revision_date": BEFORE}, {"revision_date": None}),
    # dates that no clock can be trusted with
    ({"revision_date": BEFORE}, {"revision_date": "1901-01-01 00:00:00"}),
    ({"revision_date": BEFORE}, {"revision_date": "9999-01-01 00:00:00"}),
    ({"visit_date": AFTER}, {"visit_date": BEFORE}),
    ({"visit_date": BEFORE}, {"visit_date": None}),
    ({"repo_name": "a/a", "path": "/z"}, {"repo_name": "a/b", "path": "/a"}),
    ({"repo_name": "same", "path": "/a"}, {"repo_name": "same", "path": "/b"}),
    ({"repo_name": "same", "path": "/p"}, {"repo_name": "same", "path": "/p"}),
]
"""(the copy that stays, one that goes); the first has the lesser directory, the last to decide."""


def test_select_representatives_prefers(spark: SparkSession) -> None:
    table = representatives_table(spark)
    rows = {row.blob_id: row for row in table.collect()}
    assert tuple(table.columns) == REPRESENTATIVE_COLUMNS
    assert {blob: row.language for blob, row in rows.items()} == {
        f"{place:040x}": "better" for place in range(len(BETTER))
    }


def test_keep_order_ranks_blobs_and_ends_in_the_blob(spark: SparkSession) -> None:
    table = representatives_table(spark)
    rows = table.orderBy("keep_order").collect()
    assert all(row.keep_order[-1] == row.blob_id for row in rows)
    assert all(None not in row.keep_order for row in rows)
    ranks = [tuple(row.keep_order) for row in rows]
    assert ranks == sorted(ranks)
    assert table.schema["keep_order"].dataType.fieldNames() == [  # type: ignore[attr-defined]
        "license_type",
        "stars",
        "forks",
        "newest_revision",
        "newest_visit",
        "blob_id",
    ]


def representatives_table(spark: SparkSession) -> DataFrame:
    """One blob per pair; a copy of the first blob was removed by a rule and would be the best."""
    verdicts, licenses, origins = [], [], []
    for place, pair in enumerate(BETTER):
        for side, copy in enumerate(pair):
            directory, blob = f"{2 * place + side:040x}", f"{place:040x}"
            path = copy.get("path", f"/{'za'[side]}")
            language = ("better", "worse")[side]
            verdicts.append((directory, path, blob, language, "survivor"))
            licenses.append((directory, path, copy.get("license_type", "permissive")))
            name = copy.get("repo_name", f"{'ba'[side]}/x")
            counts = (copy.get("stars", 0), copy.get("forks", 0))
            dates = (copy.get("revision_date"), copy.get("visit_date"))
            origins.append((directory, name, *counts, *dates))
    removed = ("f" * 40, "/removed", "0" * 40, "removed", "removed")
    licenses.append(("f" * 40, "/removed", "permissive"))
    origins.append(("f" * 40, "a/a", 99, 99, AFTER, AFTER))
    return select_representatives(
        spark.createDataFrame(
            [*verdicts, removed],
            "directory_id string, path string, blob_id string, language string, status string",
        ),
        spark.createDataFrame(licenses, "directory_id string, path string, license_type string"),
        spark.createDataFrame(origins, STANDING).selectExpr(
            "directory_id",
            "repo_name",
            "star_events_count",
            "fork_events_count",
            "cast(revision_date as timestamp) as revision_date",
            "cast(visit_date as timestamp) as visit_date",
        ),
    )
