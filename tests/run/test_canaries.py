"""Canaries: what rides along with which recipe, and what is made of what became of it."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stackspark.commands.near_duplicates import DeduplicateOptions, deduplicate_parquet
from stackspark.decontamination.matcher import BenchmarkItem, BenchmarkMatcher
from stackspark.duplicates.near.columns import TextColumns
from stackspark.duplicates.near.texts import DEFAULTS
from stackspark.recipe.load import load_recipe
from stackspark.recipe.model import Recipe
from stackspark.run.canaries import (
    MAX_LINE_LIMIT,
    MIN_LETTERS_LIMIT,
    judged_canaries,
    riding_canaries,
)
from stackspark.sources.canaries import NUM_PAIRS, CanariesParams, Canary, canary_files
from stackspark.texts.text_metrics import measure_text

STATUSES = ("binary", "empty")
METRICS = ("avg_line_length", "alpha_fraction")

# What rides along

ITEMS = [
    BenchmarkItem(benchmark=name, item_id="1", field="text", text=text)
    for name, text in (
        ("eval", "def solved(): return 'at last'"), ("eval", "def solved(): return 'at last, yes'"),
        ("other", "and another one that is forbidden"), ("short", "x = 1"),
    )
]  # fmt: skip


def _riding(*settings: str) -> CanariesParams | None:
    return riding_canaries(_recipe(*settings), BenchmarkMatcher(ITEMS), ITEMS)


def _recipe(*settings: str) -> Recipe:
    return load_recipe("default", ("license_texts.detector=built_in", *settings))


def test_no_limit_changes_what_rides_along() -> None:
    """Else another limit would list and measure files anew."""
    usual = _riding()
    assert usual
    texts = (("eval", ITEMS[0].text), ("other", ITEMS[2].text))
    assert usual.benchmark_texts == texts
    for setting in (
        "near_duplicates.threshold=0.5", "filters.long_lines.max_avg_line_length=35",
        "filters.letters.min_alpha_fraction=0.05",
        "filters.contamination.ignored_benchmarks=[eval]",
    ):  # fmt: skip
        assert _riding(setting) == usual


@pytest.mark.parametrize(
    "setting",
    [
        "canaries=false", "filters.languages.excluded_languages=[Python]",
        "filters.languages.excluded_pairs=[[Python, py]]",
        "filters.licenses.kept_types=[no_license]",
    ],
)  # fmt: skip
def test_nothing_rides_along_where_no_file_like_it_is_wanted(setting: str) -> None:
    assert _riding(setting) is None


@pytest.mark.parametrize(
    ("setting", "left_out"),
    [
        ("near_duplicates.threshold=0.8", set()),
        ("near_duplicates.threshold=0.9", {"near_duplicate"}),
        ("near_duplicates.threshold=0.4", {"far"}),
        ("near_duplicates.rule=components", {"far"}),
        ("near_duplicates.minhash.rows_per_band=28", {"near_duplicate"}),
        ("near_duplicates.minhash.min_tokens=601", {"near_duplicate"}),
        ("filters.long_lines.max_avg_line_length=1001", {"avg_line_length"}),
        ("filters.long_lines.prose_languages=[Python]", {"avg_line_length"}),
        ("filters.letters.min_alpha_fraction=0.05", {"alpha_fraction"}),
        ("filters.letters.alphanum_languages=[Python]", {"alpha_fraction"}),
        ("filters.licenses.kept_types=[permissive, non_permissive]", {"license"}),
        ("filters.contamination.ignored_benchmarks=[eval]", {"eval"}),
        ("filters.contamination.ignored_benchmarks=[eval, other]", {"eval", "other"}),
    ],
)
def test_only_canaries_of_a_sure_fate_are_judged(setting: str, left_out: set[str]) -> None:
    params = _riding()
    assert params
    every, judged = (_names(judged_canaries(params, _recipe(*given))) for given in ((), (setting,)))
    assert every - judged == left_out
    assert judged <= every


def _names(canaries: Iterable[Canary]) -> set[str]:
    return {each.benchmark or each.rule or each.path.split("/")[1] for each in canaries}


def test_measurements_and_search_put_each_canary_on_its_side(tmp_path: Path) -> None:
    """What the scan measures and what the search finds, without Spark."""
    files = [each for each in canary_files(CanariesParams()) if each.rule not in STATUSES]
    paths, texts = ([each.path for each in files], pa.array([each.data.decode() for each in files]))
    measured = measure_text(texts)
    averages, letters = (measured[name].to_pylist() for name in METRICS)
    is_long = {path: value > MAX_LINE_LIMIT for path, value in zip(paths, averages, strict=True)}
    has_few = {path: value < MIN_LETTERS_LIMIT for path, value in zip(paths, letters, strict=True)}
    assert [path for path in paths if is_long[path]] == ["/lines/long.py"]
    assert [path for path in paths if has_few[path]] == ["/letters/numbers.py"]
    pq.write_table(pa.table({"id": paths, "text": texts}), tmp_path / "texts.parquet")
    options = DeduplicateOptions(
        parquet=str(tmp_path / "texts.parquet"),
        out=str(tmp_path / "out"),
        columns=TextColumns(),
        params=DEFAULTS,
        quiet=True,
    )
    deduplicate_parquet(options)
    removed = pq.read_table(tmp_path / "out" / "removed").to_pylist()
    kinds = Counter(row["id"].split("/")[1] for row in removed)
    assert kinds == dict.fromkeys(("exact", "blanks", "near"), NUM_PAIRS)
    assert {row["id"].split("_")[0] for row in removed} == {
        row["kept_id"].split("_")[0] for row in removed
    }
