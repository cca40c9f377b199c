import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from places import REPOSITORY
from pyspark.sql import DataFrame, SparkSession
from reference_near_duplicates import jaccard

from stackspark.duplicates.near.columns import TextColumns
from stackspark.duplicates.near.texts import DEFAULTS, deduplicate
from stackspark.errors import InputError, UsageError

WORDS = [f"sail{number}" for number in range(200)]
LONG, NEARLY = " ".join(WORDS), " ".join([*WORDS[:-1], "keel"])
OTHER = " ".join(f"{word}s" for word in WORDS)
SCHEMA = "number bigint, body string, grade double, lang string"
COLUMNS = TextColumns(id="number", text="body", rank="grade")


def removed(
    spark: SparkSession, rows: Sequence[tuple[Any, ...]], folder: Path, columns: TextColumns
) -> dict[Any, tuple[Any, ...]]:
    found = deduplicate(spark.createDataFrame(rows, SCHEMA), columns, str(folder / "scratch"))
    twins = {row[0]: tuple(row)[1:] for row in found.rows.collect()}
    assert (found.num_texts, found.num_removed) == (len(rows), len(twins))
    return twins


def test_deduplicate_keeps_the_better_of_similar_texts(spark: SparkSession, tmp_path: Path) -> None:
    rows = [
        (1, LONG, 5.0, "a"),
        (2, NEARLY, 1.0, "b"),
        (3, OTHER, None, "a"),
        (4, f"{OTHER} \r\n", 9.0, "a"),
        (5, "too short", 1.0, "a"),
        (6, "too  short", 2.0, "a"),
        (7, "too short\n", None, "a"),
    ]
    twins = removed(spark, rows, tmp_path, COLUMNS)
    similarity = twins.pop(1)[1]
    assert 0.9 < similarity < 1
    assert twins == {
        3: (4, 1.0, "normalized_duplicate", "normalized_text", 2),
        7: (5, 1.0, "normalized_duplicate", "normalized_text", 2),
    }


def test_deduplicate_seeks_twins_within_a_scope(spark: SparkSession, tmp_path: Path) -> None:
    rows = [(1, LONG, 1.0, "a"), (2, LONG, 2.0, "b"), (3, LONG, 3.0, "b")]
    columns = TextColumns(id="number", text="body", rank="grade", scope="lang")
    assert removed(spark, rows, tmp_path, columns).keys() == {3}


def test_deduplicate_takes_ids_of_any_type(spark: SparkSession, tmp_path: Path) -> None:
    texts = spark.createDataFrame(
        [(("a", 1), LONG), (("a", 2), LONG)], "id struct<repo: string, n: int>, text string"
    )
    (row,) = deduplicate(texts, TextColumns(), str(tmp_path)).rows.collect()
    assert {tuple(row["id"]), tuple(row["kept_id"])} == {("a", 1), ("a", 2)}


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ((None, LONG, 1.0, "a"), "a text has no number; every text needs an id"),
        ((1, OTHER, 1.0, "a"), '1 values of number are not unique, such as {"id":1}; every'),
        ((2, None, 1.0, "a"), "1 rows have no body; drop them, or make them empty"),
    ],
)
def test_deduplicate_refuses(
    spark: SparkSession, tmp_path: Path, row: tuple[Any, ...], line: str
) -> None:
    with pytest.raises(InputError, match=f"^{line}"):
        removed(spark, [(1, LONG, 1.0, "a"), row], tmp_path, COLUMNS)


def test_deduplicate_names_the_columns_that_there_are(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column 'rating': needed one of number, body, grade"):
        removed(spark, [], tmp_path, TextColumns(id="number", text="body", rank="rating"))


def pairs_near_the_threshold() -> list[tuple[int, str, float, str]]:
    """200 pairs of 0.66 to 0.74, each in a vocabulary of its own; the even number of one stays."""
    rows = []
    for number in range(200):
        words = [f"w{number}_{place}" for place in range(360)]
        shift = 44 + number % 17
        rows += [
            (2 * number, " ".join(words[:300]), 1.0, "a"),
            (2 * number + 1, " ".join(words[shift : shift + 300]), 2.0, "a"),
        ]
    return rows


@pytest.mark.parametrize("is_small", [True, False])
def test_deduplicate_exactly(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_small: bool
) -> None:
    """No estimate errs for or against a pair, whoever follows open edges and reads the texts."""
    rows, params = pairs_near_the_threshold(), DEFAULTS
    truth = {rows[i + 1][0]: jaccard(rows[i][1], rows[i + 1][1]) for i in range(0, 400, 2)}
    texts: DataFrame | str = spark.createDataFrame(rows, SCHEMA)
    if not is_small:
        monkeypatch.setattr("stackspark.duplicates.near.spark.MAX_PAIRS_HERE", -1)
        params = replace(params, max_in_driver=0)
        spark.createDataFrame(rows, SCHEMA).write.parquet(str(tmp_path / "texts"))
        texts = str(tmp_path / "texts")
    estimated, exact = (
        {
            row["number"]: row
            for row in deduplicate(
                texts, COLUMNS, str(tmp_path / how), replace(params, verification=how)
            ).rows.collect()
        }
        for how in ("estimate", "exact")
    )
    assert {row["established_by"] for row in exact.values()} == {"exact"}
    for number, row in exact.items():
        assert (row["kept_id"], row["similarity"]) == (number - 1, pytest.approx(truth[number]))
        assert truth[number] >= DEFAULTS.threshold
    similar = {number for number, value in truth.items() if value >= DEFAULTS.threshold}
    # 36 bands of 7 find 95 % of the pairs at 0.7.
    assert len(similar - exact.keys()) <= 0.1 * len(similar)
    assert estimated.keys() - similar, "estimates should err here, or this test shows nothing"


def test_deduplicate_of_nothing(spark: SparkSession, tmp_path: Path) -> None:
    assert removed(spark, [], tmp_path, COLUMNS) == {}


def test_example_of_the_page_runs_as_it_stands(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = REPOSITORY.joinpath("docs/near-duplicates.md").read_text(encoding="utf-8")
    (example,) = [
        block
        for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        if "deduplicate(" in block
    ]
    pages = [("a.org", LONG, 2), ("b.org", NEARLY, 1), ("c.org", OTHER, 3)]
    frame = spark.createDataFrame(pages, "url string, body string, priority int")
    frame.write.parquet(str(tmp_path / "pages.parquet"))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    # Spark's own working folder stays where the session began.
    exec(
        example.replace('"pages', f'"{tmp_path}/pages').replace('"scratch"', f'"{tmp_path}/s"'),
        names,
    )
    assert sorted(row["url"] for row in names["kept"].collect()) == ["b.org", "c.org"]
