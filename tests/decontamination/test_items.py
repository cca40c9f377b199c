import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stackspark.decontamination.items import read_benchmarks
from stackspark.decontamination.matcher import BenchmarkItem
from stackspark.errors import InputError

ROW = {"benchmark": "b", "item_id": 1, "field": "f", "text": "t"}


def test_read_benchmarks_of_both_formats_in_order_of_path(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([ROW]), tmp_path / "a.parquet")
    (tmp_path / "b.jsonl").write_text(f"\n{json.dumps(ROW | {'item_id': '2'})}\n")
    (tmp_path / "README").write_text("no items")
    items = read_benchmarks(str(tmp_path))
    assert items == [
        BenchmarkItem(benchmark="b", item_id=number, field="f", text="t") for number in ("1", "2")
    ]
    assert read_benchmarks(None) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"line 1 is not JSON"),
        ("[1]", r"line 1 needs .*; benchmark, item_id, field, text missing"),
        (json.dumps(ROW | {"text": None}), r"line 1 needs .*; text missing"),
        ("\udcff", r"is not readable JSONL"),
    ],
)
def test_read_benchmarks_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=message):
        read_benchmarks(str(tmp_path))
