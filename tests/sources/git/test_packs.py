"""Differences of packs: dulwich writes them, hostile ones are written by hand."""

import pytest
from dulwich.pack import create_delta
from hypothesis import given
from hypothesis import strategies as st

from stackspark.sources.base.entries import SourceFault
from stackspark.sources.git.packs import apply_delta

LIMIT = 1_000_000
texts = st.lists(st.sampled_from([b"a" * 90, b"bc" * 40, b"\n", b"tail"]), max_size=30)


@given(texts, texts)
def test_apply_delta_undoes_dulwich(base: list[bytes], target: list[bytes]) -> None:
    before, after = b"".join(base), b"".join(target)
    assert apply_delta(before, b"".join(create_delta(before, after)), LIMIT) == after


def test_apply_delta_copies_64_kib_where_the_size_is_zero() -> None:
    base = bytes(range(256)) * 256
    assert apply_delta(base, b"\x80\x80\x04\x80\x80\x04\x80", LIMIT) == base


@pytest.mark.parametrize(
    "delta",
    [
        b"\x04\x02\x02xy",  # made for a base of another length
        b"\x03\x03\x02xy",  # gives less than it announces
        b"\x03\x01\x02xy",  # gives more than it announces
        b"\x03\x05\x90\x05",  # copies from beyond the base
        b"\x03\x02\x00xy",  # the reserved instruction
        b"\x03\xff\xff\xff\x7f\x02xy",  # announces more than may be held
    ],
)
def test_apply_delta_rejects(delta: bytes) -> None:
    with pytest.raises(SourceFault):
        apply_delta(b"abc", delta, LIMIT)
