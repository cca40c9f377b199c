from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackspark.errors import InputError
from stackspark.runtime.storage import parquet_rows
from stackspark.runtime.storage.parquet_rows import ParquetRows

NUM_ROWS = 50
TEXTS = [f"text {row}" * (row % 7) for row in range(NUM_ROWS)]


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("rows") / "a b%20.parquet"
    pq.write_table(pa.table({"id": range(NUM_ROWS), "text": TEXTS}), path, row_group_size=13)
    return path.as_uri()


def _read(rows: ParquetRows, wanted: list[int]) -> list[Any]:
    spans = list(rows.spans(np.array(wanted, np.int64)))
    assert [span.start for span in spans] == sorted({span.start for span in spans})
    return [value for span in spans for value in span.taken("text").to_pylist()]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(0, NUM_ROWS - 1)).map(sorted),
    st.integers(0, 60),
    st.integers(1, 20),
)
def test_rows_are_those_of_their_numbers(
    uri: str, monkeypatch: pytest.MonkeyPatch, wanted: list[int], cut: int, batch_rows: int
) -> None:
    """In two calls, over borders of batches and row groups, some rows twice."""
    monkeypatch.setattr(parquet_rows, "MAX_BATCH_ROWS", batch_rows)
    rows = ParquetRows(uri, ("text", "id"))
    found = _read(rows, wanted[:cut]) + _read(rows, wanted[cut:])
    assert found == [TEXTS[row] for row in wanted]


def test_only_row_groups_that_are_wanted_are_opened(uri: str) -> None:
    opened: list[int] = []
    assert _read(ParquetRows(uri, ("text",), opened.append), [3, 4, 49]) == [
        TEXTS[row] for row in (3, 4, 49)
    ]
    assert len(opened) == 2


def test_file_that_cannot_be_read_is_named(uri: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the data file .*20.parquet has no column blob_id"):
        list(ParquetRows(uri, ("blob_id",)).spans(np.array([0])))
    with pytest.raises(InputError, match=r"cannot read the data file .*/gone.parquet: "):
        ParquetRows((tmp_path / "gone.parquet").as_uri(), ("text",))
