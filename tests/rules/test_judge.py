"""How the rules and the search for duplicates are put together, on a handful of rows."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest
from pyspark.sql import SparkSession

from stackspark.commands.run import keep_order
from stackspark.duplicates.near.candidates import near_duplicate_candidates
from stackspark.duplicates.near.params import NearDuplicatesParams, Scope
from stackspark.duplicates.select_representatives import SelectRepresentativesParams
from stackspark.lake.lake import Publication
from stackspark.recipe.load import load_recipe
from stackspark.runtime.fingerprints import plain

LANGUAGES = {"b1": "C", "b2": "Objective-C", "b3": "Go", "b4": None}

SCOPED = {
    "language": {"b1": "C", "b2": "Objective-C", "b3": "Go", "b4": ""},
    "language_family": {"b1": "C", "b2": "C", "b3": "Go", "b4": ""},
    "repository": dict.fromkeys(LANGUAGES, "d1"),
    "corpus": dict.fromkeys(LANGUAGES, ""),
}


@pytest.mark.parametrize("scope", get_args(Scope))
def test_near_duplicate_candidates_are_scoped(spark: SparkSession, scope: str) -> None:
    chosen = spark.createDataFrame(
        [(blob, "d1", language, (blob,)) for blob, language in LANGUAGES.items()],
        "blob_id string, directory_id string, language string, keep_order struct<blob_id: string>",
    )
    measured = spark.createDataFrame(
        [(blob, "n", b"bands", b"s") for blob in (*LANGUAGES, "b5")],
        "blob_id string, normalized_hash string, band_hashes binary, signature binary",
    )
    params = replace(NearDuplicatesParams(), scope=scope)
    rows = near_duplicate_candidates(chosen, measured, params).collect()
    assert {row["blob_id"]: row["scope"] for row in rows} == SCOPED[scope]


def _published(params: str) -> Publication:
    return Publication(
        run_id="r", sequence=0, published_at=datetime.now(UTC), recipe="own", params=params,
        table_versions={}, fingerprints={}, contract_results="", lake_format=1,
    )  # fmt: skip


def test_keep_order_is_that_of_the_published_run() -> None:
    settings = [
        "keep_order.criteria=[stars, oldest_visit]",
        "keep_order.prefer_whole_repositories=true",
    ]
    order = keep_order(_published(json.dumps(plain(load_recipe("default", settings)))))
    assert list(order.criteria) == ["stars", "oldest_visit"]
    assert order.prefer_whole_repositories
    assert keep_order(_published("{}")) == SelectRepresentativesParams()
