import re
from collections.abc import Iterator
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from stackspark.export.manifest import Shard, language_slug
from stackspark.report.dataset_card import DatasetCard, render_dataset_card
from stackspark.report.summary import FunnelRow, LicenseRow

HOSTILE = "<script>alert(1)</script> | [x](http://evil.example) `code` \u202e# --- \n---\nx"


def shard(language: str | None, bucket: int = 0, num_rows: int = 2) -> Shard:
    return Shard(
        path=f"part-{language_slug(language)}--{bucket:05d}-of-00002.parquet",
        num_rows=num_rows,
        size_bytes=1500,
        sha256="0" * 64,
        language=language,
        language_counts={language or "unknown": num_rows},
    )


def license_row(expression: str | None, num_kept_files: int) -> LicenseRow:
    return LicenseRow(
        expression=expression,
        license_type="permissive",
        num_files=9,
        size_bytes=90,
        num_kept_files=num_kept_files,
        kept_bytes=10,
    )


def card(**values: object) -> DatasetCard:
    given = {
        "dataset": "files",
        "pretty_name": "A small stack",
        "description": "Made for a test.",
        "shards": [shard("C++"), shard("C++", 1), shard("C"), shard(None), shard("A:B")],
        "code_version": "0.1.0+0123",
    }
    return DatasetCard(**(given | values))  # type: ignore[arg-type]


def front_matter(text: str) -> dict[str, object]:
    found = re.match(r"---\n(.*?\n)---\n", text, re.DOTALL)
    assert found
    return dict(yaml.safe_load(found[1]))


def test_render_dataset_card_has_a_configuration_per_language() -> None:
    matter = front_matter(render_dataset_card(card()))
    globs = {
        config["config_name"]: config["data_files"][0]["path"]
        for config in matter["configs"]  # type: ignore[attr-defined]
    }
    assert globs == {
        "default": "part-*.parquet",
        "A_3aB": "part-A_3aB--*.parquet",
        "C": "part-C--*.parquet",
        "C++": "part-C_2b_2b--*.parquet",
        "unknown": "part-unknown--*.parquet",
    }
    assert matter["size_categories"] == ["n<1K"]


@pytest.mark.parametrize(
    ("num_rows", "category"),
    [(999, "n<1K"), (1000, "1K<n<10K"), (3_300_000_000, "1B<n<10B"), (2 * 10**12, "n>1T")],
)
def test_render_dataset_card_names_its_size(num_rows: int, category: str) -> None:
    text = render_dataset_card(card(shards=[shard("C", num_rows=num_rows)]))
    assert front_matter(text)["size_categories"] == [category]


def test_render_dataset_card_names_licenses_of_kept_files() -> None:
    rows = [license_row("MIT", 3), license_row("Apache-2.0", 0), license_row(None, 3)]
    text = render_dataset_card(card(licenses=rows))
    assert front_matter(text)["license"] == ["mit"]
    assert "| MIT | permissive | 3 |" in text
    assert "Apache" not in text
    more = [*rows, license_row("MIT AND Zlib", 1)]
    assert front_matter(render_dataset_card(card(licenses=more)))["license"] == ["mit", "other"]
    assert front_matter(render_dataset_card(card()))["license"] == ["other"]


def test_render_dataset_card_lists_languages_and_removals() -> None:
    funnel = [
        FunnelRow(
            kind="removed",
            cause="license",
            title="Licence",
            description="Not permissive.",
            num_files=1234,
            size_bytes=5600,
        )
    ]
    text = render_dataset_card(card(funnel=funnel, recipe={"filters": {"max_lines": 5}}))
    assert r"| C\+\+ | 4 | 3 kB |" in text
    assert r"| Licence | 1,234 | 5\.6 kB | Not permissive\. |" in text
    assert "filters:\n  max_lines: 5\n" in text
    assert 'load_dataset("path/of/this/folder", "A_3aB", split="train"' in text


def test_render_dataset_card_escapes_what_strangers_wrote() -> None:
    rows = [license_row(HOSTILE, 1)]
    text = render_dataset_card(
        card(
            pretty_name=HOSTILE,
            description=HOSTILE,
            licenses=rows,
            contact=HOSTILE,
            recipe={"x": f"````\n{HOSTILE}"},
        )
    )
    assert front_matter(text)["pretty_name"]
    body, _, recipe = text.split("---\n", 2)[2].partition("`````yaml\n")
    assert recipe.endswith("`````\n")
    assert yaml.safe_load(recipe.removesuffix("`````\n")) == {"x": f"````\n{HOSTILE}"}
    for bad in ("<script", "](http", "\u202e", " `code`", "http://"):
        assert bad not in body
    # Every row of a table stays one row.
    assert len({line.count(" | ") for line in body.splitlines() if line.startswith("| &lt;")}) == 1


def test_render_dataset_card_of_nothing_has_no_configuration() -> None:
    text = render_dataset_card(card(shards=[]))
    assert "configs" not in front_matter(text)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True, raising=False)
    datasets.disable_progress_bars()
    yield tmp_path / "cache"
    datasets.enable_progress_bars()


def test_datasets_loads_the_folder_by_its_card(tmp_path: Path, offline: Path) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    shards = [shard("C++"), shard("C++", 1), shard("C"), shard(None)]
    for number, each in enumerate(shards):
        table = pa.table(
            {
                "path": [f"/{number}/0", f"/{number}/1"],
                "content": ["😀", "é"],
                "language": pa.array([each.language] * 2, pa.string()),
                "visit_date": pa.array([0, None], pa.timestamp("us", "UTC")),
                "detected_licenses": pa.array([["MIT"], []], pa.list_(pa.string())),
            }
        )
        pq.write_table(table, folder / each.path, store_schema=False)
    (folder / "README.md").write_text(render_dataset_card(card(shards=shards)))
    (folder / "manifest.json").write_text("{}")

    def paths(*name: str) -> list[str]:
        found = datasets.load_dataset(str(folder), *name, split="train", cache_dir=str(offline))
        return sorted(found["path"])

    assert paths("C++") == ["/0/0", "/0/1", "/1/0", "/1/1"]
    assert paths("C") == ["/2/0", "/2/1"]
    assert paths("unknown") == ["/3/0", "/3/1"]
    assert len(paths()) == 8
