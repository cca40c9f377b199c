"""Contents: checked against their ids, and batches that are bounded in bytes and rows."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackspark.sources.base import content as module
from stackspark.sources.base.content import (
    FETCHED,
    ROW_COST_BYTES,
    Content,
    ContentBatches,
    failed_content,
    make_content,
)
from stackspark.sources.base.entries import SourceFault
from stackspark.swhid import blob_id, content_id

TEXT = b"print('harbour')\n"


def _chunks(*parts: bytes) -> Iterator[bytes]:
    return iter(parts)


def test_a_content_is_hashed_and_decoded() -> None:
    made = make_content(content_id(TEXT), len(TEXT), _chunks(TEXT[:3], TEXT[3:]), 1000)
    assert made[:4] == (content_id(TEXT), blob_id(TEXT), len(TEXT), "ok")
    assert (made.content, made.error_class) == (TEXT.decode(), None)


@pytest.mark.parametrize("max_text_bytes", [1000, 5])
def test_other_bytes_than_the_listed_ones_are_named(max_text_bytes: int) -> None:
    other = TEXT.upper()
    made = make_content(content_id(TEXT), len(other), _chunks(other), max_text_bytes)
    assert (made.status, made.error_class, made.content) == ("corrupt", "changed_content", None)
    assert content_id(other) in str(made.message)


def test_a_long_content_is_hashed_but_not_held() -> None:
    made = make_content(content_id(TEXT), len(TEXT), _chunks(TEXT), len(TEXT))
    assert made[:4] == (content_id(TEXT), blob_id(TEXT), len(TEXT), "too_large")
    assert made.content is None
    assert make_content(content_id(TEXT), len(TEXT), _chunks(TEXT), len(TEXT) + 1).status == "ok"


def test_a_pointer_of_git_lfs_has_no_text() -> None:
    oid = "4d" * 32
    raw = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 9\n".encode()
    made = make_content(content_id(raw), len(raw), _chunks(raw), 1000)
    assert made[:4] == (content_id(raw), blob_id(raw), len(raw), "lfs_pointer")
    assert (made.content, made.src_encoding, made.decoder_version) == (None, None, None)


@pytest.mark.parametrize("length", [len(TEXT) - 1, len(TEXT) + 1])
def test_another_length_than_announced_is_a_fault(length: int) -> None:
    with pytest.raises(SourceFault):
        make_content(content_id(TEXT), length, _chunks(TEXT), 1000)


@pytest.mark.parametrize(
    ("error_class", "status"), [("missing_object", "missing"), ("damaged_gzip", "corrupt")]
)
def test_faults_are_missing_or_corrupt(error_class: str, status: str) -> None:
    failed = failed_content("c", SourceFault(error_class, "why"))
    assert (failed.status, failed.error_class, failed.message) == (status, error_class, "why")


@settings(deadline=None)
@given(st.lists(st.integers(0, 2000), max_size=40), st.integers(1, 4000))
def test_batches_hold_every_row_in_order_and_keep_their_bound(
    sizes: list[int], batch_bytes: int
) -> None:
    batches = ContentBatches(batch_bytes)
    rows = [
        Content(str(n), length_bytes=size, status="ok", content="x" * size or None)
        for n, size in enumerate(sizes)
    ]
    made = [batch for row in rows for batch in batches.add(row)] + list(batches.finish())
    assert [row["content_id"] for batch in made for row in batch.to_pylist()] == [
        row.content_id for row in rows
    ]
    for batch in made:
        assert batch.schema == FETCHED
        cost = sum(ROW_COST_BYTES + len(row["content"] or "") for row in batch.to_pylist())
        assert batch.num_rows == 1 or cost <= batch_bytes
    assert list(batches.finish()) == []


def test_batches_are_bounded_in_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BATCH_ROWS", 3)
    batches = ContentBatches(1 << 30)
    made = [batch for n in range(7) for batch in batches.add(Content(str(n)))]
    assert [batch.num_rows for batch in made] == [3, 3]
    assert [batch.num_rows for batch in batches.finish()] == [1]
