import pytest

from stackspark.sources.base.specs import parse_source
from stackspark.sources.origins.index_locations import opens_s3, reads_s3


@pytest.mark.parametrize(
    ("source", "contents", "reads", "opens"),
    [
        ("swh:/archive", None, False, False),
        ("swh:/archive", "s3://bucket", False, True),
        ("swh:s3a://bucket/graph", "/archive", True, False),
        ("stack-v2:s3://bucket/index", None, True, True),
    ],
)
def test_index_says_who_needs_the_object_store(
    source: str, contents: str | None, reads: bool, opens: bool
) -> None:
    spec = parse_source(source, contents=contents)
    assert (reads_s3(spec), opens_s3(spec)) == (reads, opens)
