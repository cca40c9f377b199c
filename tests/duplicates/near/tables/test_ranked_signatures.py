import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stackspark.duplicates.near.tables import ranked_signatures
from stackspark.duplicates.near.tables.ranked_signatures import SignatureReader
from stackspark.lake.scratch import RankedFile


@pytest.fixture
def reader(tmp_path: Path) -> SignatureReader:
    """Ranks 0..9, 10..14 and 15..34 in three files; rank 7 has no signature."""
    files, first_rank = [], 0
    for num_rows in (10, 5, 20):
        ranks = range(first_rank, first_rank + num_rows)
        values = [None if rank == 7 else bytes([rank, rank + 1]) for rank in ranks]
        path = tmp_path / f"{first_rank}.parquet"
        pq.write_table(pa.table({"signature": values}), path, row_group_size=4)
        files.append(RankedFile(path=str(path), first_rank=first_rank, num_rows=num_rows))
        first_rank += num_rows
    return SignatureReader(files=files, num_perm=8)


# Row groups hold four rows of 2 bytes, the last ones of a file 1 or 2 rows.
@pytest.mark.parametrize(("cached_bytes", "num_kept"), [(0, 0), (8, 1), (16, 2), (1 << 20, 8)])
def test_read_any_ranks_in_any_order(
    monkeypatch: pytest.MonkeyPatch, reader: SignatureReader, cached_bytes: int, num_kept: int
) -> None:
    monkeypatch.setattr(ranked_signatures, "CACHED_BYTES", cached_bytes)
    reader = SignatureReader(files=reader.files, num_perm=reader.num_perm)
    ranks = np.array([34, 0, 9, 10, 14, 15, 7, 0, 18, 19])
    expected = [[0, 0] if rank == 7 else [rank, rank + 1] for rank in ranks.tolist()]
    for _ in range(2):
        assert reader.of_ranks(ranks).tolist() == expected
    assert len(reader._groups) == num_kept


def test_read_nothing(reader: SignatureReader) -> None:
    assert reader.of_ranks(np.zeros(0, np.int64)).shape == (0, 2)


def test_reader_travels_to_tasks(reader: SignatureReader) -> None:
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.of_ranks(np.array([3])).tolist() == [[3, 4]]


def test_read_rejects_a_rank_beyond_the_last(reader: SignatureReader) -> None:
    with pytest.raises(IndexError, match="rank 35"):
        reader.of_ranks(np.array([35]))
