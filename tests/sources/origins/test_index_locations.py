from pathlib import Path

import pytest
from index_sources import ID, graph
from swh_graphs import write_graph

from stackspark.errors import InputError
from stackspark.sources.base.specs import parse_source
from stackspark.sources.origins.index_locations import check_index, opens_s3, reads_s3


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


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("swh:{}/none", "needed table origin_visit_status"),
        ("swh:{}/events", "needed table origin_visit_status"),
        ("stack-v2:{}/none", "needed files .parquet"),
        (
            "stack-v2:{}/ids",
            "needs columns blob_id, content_id, length_bytes, path; it has repo_na",
        ),
        ("stack-v2-ids:{}/files", "needs columns files; it has repo_name"),
    ],
)
def test_index_that_is_none_is_one_clear_line(root: Path, source: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        check_index(parse_source(source.format(root)))
    assert str(raised.value).startswith(f"source {source.format(root)}: ")
    assert "\n" not in str(raised.value)


def test_index_without_contents_is_one_clear_line(tmp_path: Path) -> None:
    graph(tmp_path / "graph")
    (tmp_path / "graph" / "content").rmdir()
    with pytest.raises(InputError, match=r"needed contents below .*say where they are with `cont"):
        check_index(parse_source(f"swh:{tmp_path}/graph"))
    check_index(parse_source(f"swh:{tmp_path}/graph", contents="s3://elsewhere"))


def test_table_without_a_column_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    renamed = {"content.length": "size"}
    rows = {"content": [(ID, ID, 1, "visible")]}
    write_graph(tmp_path, rows, renamed)
    with pytest.raises(InputError, match=r"table .*/content needs columns length; it has sha1,"):
        check_index(parse_source(f"swh:{tmp_path}"))
