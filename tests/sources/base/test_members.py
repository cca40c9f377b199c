import pytest

from stackspark.sources.base.entries import SourceFault
from stackspark.sources.base.members import Hashes, hash_both, hash_content, read_chunks
from stackspark.swhid import blob_id, content_id

CHUNKS = (b"ab", b"", b"c")


def test_bytes_of_the_announced_length() -> None:
    assert read_chunks(iter(CHUNKS), 3) == b"abc"
    assert hash_content(iter(CHUNKS), 3) == content_id(b"abc")
    assert hash_both(iter(CHUNKS), 3) == Hashes(content_id(b"abc"), blob_id(b"abc"))


@pytest.mark.parametrize("consume", [read_chunks, hash_content, hash_both])
@pytest.mark.parametrize(("length", "found"), [(4, "only 3"), (2, "more"), (0, "more")])
def test_bytes_of_another_length_are_a_fault(consume: object, length: int, found: str) -> None:
    assert callable(consume)
    with pytest.raises(SourceFault, match=f"{length} bytes were announced and {found} found"):
        consume(iter(CHUNKS), length)
