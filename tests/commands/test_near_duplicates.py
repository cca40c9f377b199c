import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from stackspark.commands.near_duplicates import (
    DeduplicateOptions,
    DeduplicateOutcome,
    deduplicate_parquet,
)
from stackspark.duplicates.near.columns import TextColumns
from stackspark.duplicates.near.texts import DEFAULTS
from stackspark.errors import InputError, UsageError

WORDS = [f"sail{number}" for number in range(200)]
LONG, NEARLY = " ".join(WORDS), " ".join([*WORDS[:-1], "keel"])
OTHER = " ".join(f"{word}s" for word in WORDS)
SCHEMA = "number bigint, body string, grade double, lang string"
COLUMNS = TextColumns(id="number", text="body", rank="grade")


def options(folder: Path) -> DeduplicateOptions:
    return DeduplicateOptions(
        parquet=str(folder / "in"),
        out=str(folder / "out"),
        columns=COLUMNS,
        params=DEFAULTS,
        with_kept=True,
        quiet=True,
    )


def test_command_writes_what_goes_and_what_stays(spark: SparkSession, tmp_path: Path) -> None:
    rows = [(1, LONG, 5.0, "a"), (2, NEARLY, 1.0, "b"), (3, OTHER, None, "a")]
    spark.createDataFrame(rows, SCHEMA).write.parquet(str(tmp_path / "in"))
    outcome = deduplicate_parquet(options(tmp_path))
    assert (outcome.num_texts, outcome.num_kept, outcome.num_removed) == (3, 2, 1)
    assert outcome.to_text().startswith("3 texts in = 2 kept + 1 removed (33.3%), each with")
    assert json.loads(json.dumps(outcome.to_dict()))["num_removed"] == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"removed", "kept"}
    (gone,) = spark.read.parquet(str(tmp_path / "out" / "removed")).collect()
    assert (gone["number"], gone["kept_id"], gone["family_size"]) == (1, 2, 2)
    kept = spark.read.parquet(str(tmp_path / "out" / "kept"))
    assert sorted(map(tuple, kept.collect())) == sorted(rows[1:])
    with pytest.raises(UsageError, match=r"--out \S+ is not empty; name a new folder"):
        deduplicate_parquet(options(tmp_path))


def test_outcome_claims_no_similarity_that_was_not_verified() -> None:
    outcome = DeduplicateOutcome(
        out="out", num_texts=3, num_removed=1, num_kept=2,
        rule="components", threshold=0.7, rounds=(),
    )  # fmt: skip
    said = "(33.3%), by components of shared bands: no similarity was verified"
    assert said in outcome.to_text()
    assert "0.7" not in outcome.to_text()


@pytest.mark.parametrize("name", ["", "in"])
def test_command_says_that_there_is_no_parquet(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    (tmp_path / "note.txt").write_text("Parquet?")
    if name:
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"in holds no Parquet: "):
        deduplicate_parquet(options(tmp_path))
