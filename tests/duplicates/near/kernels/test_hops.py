import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from stackspark.duplicates.near.kernels.hops import hops

RANKS = st.integers(1, 30)


def batches(pairs: list[tuple[int, int]], size: int) -> list[pa.RecordBatch]:
    columns = [pa.array(list(column), pa.int64()) for column in zip(*pairs, strict=True)]
    table = pa.table(columns or [pa.array([], pa.int64())] * 2, names=["member", "head"])
    return table.to_batches(max_chunksize=size)


@given(st.dictionaries(RANKS, RANKS, min_size=1), st.data(), st.integers(1, 5))
def test_hops_equals_oracle(removed: dict[int, int], data: st.DataObject, size: int) -> None:
    between = st.sampled_from(sorted(removed))
    opened = data.draw(st.lists(st.tuples(st.integers(31, 40), between), max_size=20))
    members, heads = hops(batches(opened, size), batches(sorted(removed.items()), size))
    pairs = list(zip(members.tolist(), heads.tolist(), strict=True))
    assert pairs == sorted({(member, removed[head]) for member, head in opened})
