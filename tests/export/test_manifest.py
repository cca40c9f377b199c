import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from stackspark.export.manifest import (
    Shard,
    ShardGroup,
    language_slug,
    shard_of,
    shard_rows,
    write_manifest,
)

SHARD = Shard(
    path="part-00000-of-00001.parquet",
    num_rows=2,
    size_bytes=9,
    sha256="a" * 64,
    language=None,
    language_counts={"Python": 3},
)


@pytest.mark.parametrize(
    ("language", "slug"),
    [
        ("C", "C"),
        ("C++", "C_2b_2b"),
        ("C#", "C_23"),
        ("F#", "F_23"),
        ("Objective-C", "Objective_2dC"),
        ("a_2db", "a_5f2db"),
        ("日", "_e6_97_a5"),
        (None, "unknown"),
        ("unknown", "_75nknown"),
    ],
)
def test_language_slug_vectors(language: str | None, slug: str) -> None:
    assert language_slug(language) == slug


@given(st.lists(st.one_of(st.none(), st.text(min_size=1)), unique=True))
def test_language_slug_is_injective_and_safe(languages: list[str | None]) -> None:
    slugs = [language_slug(language) for language in languages]
    assert len(set(slugs)) == len(slugs)
    assert all(slug.isascii() and slug.replace("_", "a").isalnum() for slug in slugs)


def test_shards_are_numbered_within_their_group() -> None:
    group = ShardGroup(language="C++", slug="C_2b_2b", first=4, num_buckets=2)
    assert group.shard_name(5) == "part-C_2b_2b--00001-of-00002.parquet"
    mixed = replace(group, slug=None, first=0)
    assert mixed.shard_name(1) == "part-00001-of-00002.parquet"


def test_a_shard_stays_itself_in_its_table(spark: SparkSession) -> None:
    (row,) = shard_rows(spark, "files", "x1", [SHARD]).collect()
    assert row["path"] == f"shards/files/x1/{SHARD.path}"
    assert shard_of(row) == SHARD


def test_manifest_lists_the_shards_in_the_same_bytes_whatever_their_order(tmp_path: Path) -> None:
    second = replace(SHARD, path="part-00001-of-00002.parquet", num_rows=5)
    provenance = {"recipe": {"b": 1, "a": "ü"}, "table_versions": {"files": 3}}
    texts = set()
    for name, shards in (("a", [SHARD, second]), ("b", [second, SHARD])):
        (tmp_path / name).mkdir()
        path = write_manifest(str(tmp_path / name), "files", shards, provenance)
        assert [file.name for file in (tmp_path / name).iterdir()] == ["manifest.json"]
        texts.add(Path(path).read_text())
    (text,) = texts
    document = json.loads(text)
    assert list(document) == sorted(document)
    assert (document["num_rows"], document["size_bytes"]) == (7, 18)
    assert document["table_versions"] == {"files": 3}
    assert document["parquet_writer"].startswith("pyarrow ")
    assert [shard["path"] for shard in document["shards"]] == [SHARD.path, second.path]
