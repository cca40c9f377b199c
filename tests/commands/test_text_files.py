"""The command in this process against the command in Spark's tasks."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from stackspark.commands.near_duplicates import DeduplicateOptions, deduplicate_parquet
from stackspark.commands.text_files import open_text_files
from stackspark.duplicates.near.columns import TextColumns
from stackspark.duplicates.near.texts import DEFAULTS
from stackspark.errors import InputError, UsageError

MASTER = "local[2]"
COLUMNS = TextColumns(id="name", text="body", rank="grade", scope="lang")
SCHEMA = pa.schema(
    {
        "name": pa.string(),
        "body": pa.binary(),
        "grade": pa.float64(),
        "lang": pa.string(),
        "note": pa.list_(pa.int32()),
    }
)


def made_up_rows(count: int) -> list[dict[str, Any]]:
    """Texts that descend from each other, with marks, bad UTF-8 and ranks that repeat or lack."""
    chance = random.Random(7)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        parent = chance.choice(rows)["words"] if rows and chance.random() < 0.7 else None
        share = chance.choice([0.0, 0.002, 0.02, 0.03, 0.04, 0.3])
        words = [
            word if chance.random() > share else f"new{number}_{place}"
            for place, word in enumerate(parent or [f"w{number}_{p}" for p in range(200)])
        ]
        ends = chance.choice([b"", b"\n", b"  \r\n", b" \xff\xfe", b" \xc3\xa9t\xc3\xa9"])
        short = chance.random() < 0.1
        body = (
            b"few words"
            if short
            else b"\xef\xbb\xbf"[: 3 * (number % 2)]
            + ends.join(" ".join(words[start : start + 20]).encode() for start in range(0, 200, 20))
        )
        rows.append(
            {
                "name": f'n"{number}\n\u00e9',
                "body": body,
                "grade": chance.choice([None, float("nan"), -0.0, 0.0, 1.5, float("inf")]),
                "lang": chance.choice(["a", "a", "b", "", None]),
                "note": [number] * (number % 3),
                "words": words,
            }
        )
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files of several row groups, one of them with dictionaries, and files to pass by."""
    path = tmp_path_factory.mktemp("texts") / "in put%41"
    path.mkdir()
    table = pa.Table.from_pylist(made_up_rows(600), schema=SCHEMA)
    for name, start, stop in (("b", 0, 250), ("a", 250, 400), ("c", 400, 600)):
        part = table.slice(start, stop - start)
        pq.write_table(
            part, path / f"{name}.parquet", row_group_size=70, use_dictionary=name == "c"
        )
    (path / "_SUCCESS").touch()
    (path / ".hidden").write_text("nothing")
    return path


def removed_rows(spark: SparkSession | None, options: DeduplicateOptions) -> list[dict[str, Any]]:
    outcome = deduplicate_parquet(options)
    rows = pq.read_table(f"{options.out}/removed").to_pylist()
    assert outcome.num_removed == len(rows) == len({row["name"] for row in rows})
    return sorted(rows, key=lambda row: row["name"])


def options(folder: Path, out: Path, how: str, master: str | None) -> DeduplicateOptions:
    params = replace(DEFAULTS, verification=how, max_in_driver=0 if master else 600)
    return DeduplicateOptions(
        parquet=str(folder), out=str(out), columns=COLUMNS, params=params, with_kept=True,
        master=master, quiet=True,
    )  # fmt: skip


@pytest.mark.parametrize("how", ["estimate", "exact"])
def test_this_process_finds_what_tasks_find(
    spark: SparkSession, folder: Path, tmp_path: Path, how: str
) -> None:
    here = removed_rows(None, options(folder, tmp_path / "here", how, None))
    tasks = removed_rows(spark, options(folder, tmp_path / "tasks", how, MASTER))
    assert here == tasks
    ways = {row["established_by"] for row in here}
    assert ways == {"normalized_text", "estimated"} | ({"exact"} if how == "exact" else set())
    assert len(here) > 100
    kept = pq.read_table(tmp_path / "here" / "kept")
    assert kept.schema == SCHEMA
    assert {*kept["name"].to_pylist()} == {row["name"] for row in made_up_rows(600)} - {
        row["name"] for row in here
    }
    by_name = {row["name"]: row["body"] for row in made_up_rows(600)}
    assert all(by_name[row["name"]] == row["body"] for row in kept.to_pylist())


def write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def test_removed_rows_come_last(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(*_: object) -> Iterator[pa.RecordBatch]:
        raise KeyboardInterrupt

    monkeypatch.setattr("stackspark.commands.near_duplicates.kept_rows", cut_short)
    with pytest.raises(KeyboardInterrupt):
        deduplicate_parquet(options(folder, tmp_path / "out", "estimate", None))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["kept"]


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({"id": None, "text": "b"}, "a text has no id; every text needs an id"),
        (
            {"id": "\u00e9\n", "text": "b"},
            '1 values of id are not unique, such as {"id":"\u00e9\\n"}; every text needs an id',
        ),
        ({"id": "2", "text": None}, "1 rows have no text; drop them, or make them empty"),
    ],
)
@pytest.mark.parametrize("master", [None, MASTER])
def test_both_refuse_alike(
    spark: SparkSession, tmp_path: Path, master: str | None, row: dict[str, Any], line: str
) -> None:
    write(tmp_path / "in.parquet", [{"id": "\u00e9\n", "text": "a"}, row])
    given = options(tmp_path / "in.parquet", tmp_path / "out", "exact", master)
    with pytest.raises(InputError) as error:
        deduplicate_parquet(replace(given, columns=TextColumns()))
    assert str(error.value).startswith(line)
    assert not [*(tmp_path / "out").glob("*/*")]


def test_open_text_files_leaves_to_spark_what_it_cannot_do(tmp_path: Path) -> None:
    row = {"id": 1, "text": "a"}
    columns = TextColumns()
    write(tmp_path / "hive" / "day=1" / "a.parquet", [row])
    write(tmp_path / "mixed" / "a.parquet", [row])
    write(tmp_path / "mixed" / "b.parquet", [{**row, "more": 1}])
    write(tmp_path / "nested" / "a.parquet", [{**row, "id": {"n": 1}}])
    write(tmp_path / "plain" / "a.parquet", [row])
    assert open_text_files(str(tmp_path / "plain"), columns, 1) is not None
    for name in ("hive", "mixed", "nested", "pla*"):
        assert open_text_files(str(tmp_path / name), columns, 10) is None
    assert open_text_files(str(tmp_path / "plain"), columns, 0) is None


def test_open_text_files_refuses(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.parquet", [{"id": 1, "text": "a"}])
    with pytest.raises(InputError, match=r"none holds no Parquet: there is no such file"):
        open_text_files(str(tmp_path / "none"), TextColumns(), 10)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"none holds no Parquet: "):
        open_text_files(str(tmp_path / "none"), TextColumns(), 10)
    with pytest.raises(UsageError, match="no column 'body': needed one of id, text"):
        open_text_files(str(tmp_path / "in"), TextColumns(text="body"), 10)
    (tmp_path / "in" / "b.parquet").write_text("Parquet?")
    with pytest.raises(InputError, match=r"in/b.parquet is no Parquet, or damaged: "):
        open_text_files(str(tmp_path / "in"), TextColumns(), 10)


def test_both_take_the_folder_of_a_hub(tmp_path: Path) -> None:
    """Beside the texts lie a README, JSON and a hidden cache; a file lacks a column."""
    folder = tmp_path / "in"
    rows = made_up_rows(40)
    texts = [
        {"a.id": n, "text": row["body"].decode("utf-8", "replace")} for n, row in enumerate(rows)
    ]
    write(folder / "data" / "a.parquet", texts[:20])
    write(folder / "data" / "b.parquet", [{**row, "note": "x"} for row in texts[20:]])
    write(folder / ".cache" / "c.parquet", [{"other": 1}])
    for name in ("README.md", "manifest.json"):
        (folder / name).write_text("{}")
    found = []
    for name, master in (("here", None), ("tasks", MASTER)):
        given = options(folder, tmp_path / name, "exact", master)
        deduplicate_parquet(replace(given, columns=TextColumns(id="a.id")))
        gone = pq.read_table(tmp_path / name / "removed").to_pylist()
        kept = pq.read_table(tmp_path / name / "kept")
        assert {*kept.column_names} == {"a.id", "text", "note"}
        ids = {row["a.id"] for row in gone}
        assert {*kept["a.id"].to_pylist()} == {*range(40)} - ids
        found.append(sorted(tuple(row.values()) for row in gone))
    assert found[0] == found[1]
    assert len(found[0]) > 5


@pytest.mark.parametrize("master", [None, MASTER])
@pytest.mark.parametrize(
    ("columns", "row", "line"),
    [
        (TextColumns(), {"id": 1, "text": ["a"]}, "the column 'text' is of type list<"),
        (TextColumns(id="Rule"), {"Rule": 1, "text": "a"}, "the column 'Rule' is named like one"),
    ],
)
def test_both_refuse_columns_that_cannot_be(
    tmp_path: Path, master: str | None, columns: TextColumns, row: dict[str, Any], line: str
) -> None:
    write(tmp_path / "in.parquet", [row])
    given = options(tmp_path / "in.parquet", tmp_path / "out", "exact", master)
    with pytest.raises(UsageError, match=line):
        deduplicate_parquet(replace(given, columns=columns))
    assert not [*(tmp_path / "out").glob("*")]


def test_files_that_do_not_fit_are_named_before_anything_is_written(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.parquet", [{"id": 1, "text": "a"}])
    write(tmp_path / "in" / "b.parquet", [{"id": "1", "text": "a"}])
    given = options(tmp_path / "in", tmp_path / "out", "exact", None)
    with pytest.raises(InputError, match=r"'id' is int64 in \S+/a.parquet and string in \S+/b.par"):
        deduplicate_parquet(replace(given, columns=TextColumns()))
    assert not (tmp_path / "out").exists()
