import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_documents import cuts

from stackspark.export.manifest import ShardGroup
from stackspark.export.shard_files import RowGroupLimits, RowShape, write_shards

SHAPE = RowShape(
    schema=pa.schema({"path": pa.string(), "content": pa.string(), "language": pa.string()}),
    key=("path",),
    gather=iter,
    sizes=lambda batch: pc.binary_length(batch.column("content")),
    languages=lambda batch: batch.column("language"),
)
GROUPS = [
    ShardGroup(language="", slug="unknown", first=0, num_buckets=1),
    ShardGroup(language="C", slug="C", first=1, num_buckets=3),
]
LIMITS = RowGroupLimits(max_bytes=20, max_rows=3)


def rows(sizes: Sequence[int], shards: Sequence[int]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "language": ["C" if shard else None for shard in shards],
            "content": ["é" * (size // 2) + "x" * (size % 2) for size in sizes],
            "shard": pa.array(shards, pa.int32()),
            "path": [f"/{number:04d}" for number in range(len(sizes))],
        }
    )


def written(batches: Iterator[pa.RecordBatch], folder: Path) -> list[dict[str, object]]:
    folder.mkdir(exist_ok=True)
    found = write_shards(batches, SHAPE, GROUPS, str(folder), LIMITS)
    return [row for batch in found for row in batch.to_pylist()]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=20), st.data())
def test_write_shards_depends_on_rows_not_on_batches(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    shards = sorted(
        data.draw(st.lists(st.integers(0, 3), min_size=len(sizes), max_size=len(sizes)))
    )
    stops = sorted(data.draw(st.sets(st.integers(1, len(sizes)))) | {len(sizes)})
    whole = rows(sizes, shards)
    parts = [
        whole.slice(start, stop - start)
        for start, stop in zip([0, *stops[:-1]], stops, strict=True)
    ]
    found = written(iter([whole]), folder / "whole")
    assert found == written(iter(parts), folder / "parts")
    for row in found:
        path = folder / "parts" / str(row["path"])
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]
    for shard in set(shards):
        file = pq.ParquetFile(folder / "whole" / GROUPS[min(shard, 1)].shard_name(shard))
        groups = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        own = [max(size, 1) for size, mine in zip(sizes, shards, strict=True) if mine == shard]
        texts = file.read().column("content").to_pylist()
        assert [max(len(text.encode()), 1) for text in texts] == own
        lengths = [len(text.encode()) for text in texts]
        assert groups == [stop - start for start, stop in cuts(lengths, 20, 3)]


def test_write_shards_counts_and_names(tmp_path: Path) -> None:
    found = written(iter([rows([5, 5, 9], [0, 1, 3])]), tmp_path)
    assert [(row["path"], row["num_rows"], row["language"]) for row in found] == [
        ("part-unknown--00000-of-00001.parquet", 1, None),
        ("part-C--00000-of-00003.parquet", 1, "C"),
        ("part-C--00002-of-00003.parquet", 1, "C"),
    ]
    assert [row["language_counts"] for row in found] == [[("unknown", 1)], [("C", 1)], [("C", 1)]]
    for row in found:
        assert (tmp_path / str(row["path"])).stat().st_size == row["size_bytes"]


def test_write_shards_leaves_nothing_of_a_failed_task(tmp_path: Path) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield rows([5, 50], [0, 0])
        raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        written(failing(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_write_shards_has_no_arrow_schema_and_fixed_encodings(tmp_path: Path) -> None:
    (row,) = written(iter([rows([5], [1])]), tmp_path)
    metadata = pq.ParquetFile(tmp_path / str(row["path"])).metadata
    assert metadata.metadata is None
    columns = {
        metadata.row_group(0).column(n).path_in_schema: metadata.row_group(0).column(n)
        for n in range(metadata.num_columns)
    }
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert not columns["content"].has_dictionary_page
    assert columns["language"].has_dictionary_page
