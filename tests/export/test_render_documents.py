from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_documents import escape, render

from stackspark.export.render_documents import assemble_documents, whole_documents
from stackspark.export.sentinels import SENTINELS

SCHEMA = pa.schema(
    {
        "document_id": pa.string(),
        "has_metadata": pa.bool_(),
        "repo_name": pa.string(),
        "file": pa.struct({"path": pa.string(), "language": pa.string()}),
        "content": pa.string(),
    }
)
WORDS = st.lists(st.sampled_from(["a", "/", "\n", "é😀", "<", *SENTINELS[:3]]), max_size=4).map(
    "".join
)
DOCUMENT = st.tuples(
    st.booleans(),
    WORDS,
    st.lists(st.tuples(WORDS.map("/{}".format), WORDS), min_size=1, max_size=4),
)


def file_rows(documents: Sequence[tuple[bool, str, list[tuple[str, str]]]]) -> pa.RecordBatch:
    rows = [
        {
            "document_id": f"d{number:03d}",
            "has_metadata": has_metadata,
            "repo_name": repo,
            "file": {"path": path, "language": None},
            "content": content,
        }
        for number, (has_metadata, repo, files) in enumerate(documents)
        for path, content in files
    ]
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def assembled(rows: pa.RecordBatch) -> list[dict[str, Any]]:
    return assemble_documents(rows, ["document_id"], has_content=True).to_pylist()


@settings(deadline=None)
@given(st.lists(DOCUMENT, min_size=1, max_size=4))
def test_assemble_documents_renders_like_the_reference(
    documents: list[tuple[bool, str, list[tuple[str, str]]]],
) -> None:
    found = assembled(file_rows(documents))
    assert [row["text"] for row in found] == [
        render(repo, files, has_metadata=has_metadata) for has_metadata, repo, files in documents
    ]
    assert [row["num_escaped_sentinels"] for row in found] == [
        sum(escape(content)[1] for _, content in files)
        + (escape(repo)[1] + sum(escape(path)[1] for path, _ in files) if has_metadata else 0)
        for has_metadata, repo, files in documents
    ]


@settings(deadline=None)
@given(st.lists(DOCUMENT, min_size=1, max_size=5), st.data())
def test_whole_documents_never_splits_one(
    documents: list[tuple[bool, str, list[tuple[str, str]]]], data: st.DataObject
) -> None:
    rows = file_rows(documents)
    cuts = sorted(data.draw(st.sets(st.integers(1, rows.num_rows))) | {rows.num_rows})
    parts = [
        rows.slice(start, stop - start) for start, stop in zip([0, *cuts[:-1]], cuts, strict=True)
    ]
    batches = list(whole_documents(iter(parts)))
    ids = [set(batch.column("document_id").to_pylist()) for batch in batches]
    assert sum(len(found) for found in ids) == len(documents)
    assert pa.Table.from_batches(batches).to_pylist() == rows.to_pylist()


def test_assemble_documents_with_metadata() -> None:
    files = [("/src/a.py", "x = 1\n"), ("/b.md", "# B")]
    (row,) = assembled(file_rows([(True, "me/repo", files)]))
    assert row == {
        "document_id": "d000",
        "files": [
            {"path": "/src/a.py", "language": None, "content": "x = 1\n"},
            {"path": "/b.md", "language": None, "content": "# B"},
        ],
        "text": "<repo_name>me/repo<file_sep>src/a.py\nx = 1\n<file_sep>b.md\n# B<|endoftext|>",
        "num_escaped_sentinels": 0,
    }


def test_assemble_documents_without_metadata_counts_only_what_is_rendered() -> None:
    (row,) = assembled(file_rows([(False, "<pr>", [("/<pr>", "a<pr>"), ("/b", "b")])]))
    assert row["text"] == r"<file_sep>a<\pr><file_sep>b<|endoftext|>"
    assert row["num_escaped_sentinels"] == 1
    assert row["files"][0]["content"] == "a<pr>"


def test_assemble_documents_renders_a_nameless_repository() -> None:
    rows = file_rows([(True, "x", [("/a", "b")])])
    rows = rows.set_column(2, "repo_name", pa.nulls(1, pa.string()))
    (row,) = assembled(rows)
    assert row["text"] == "<repo_name><file_sep>a\nb<|endoftext|>"


def test_assemble_documents_without_content_has_no_text() -> None:
    rows = file_rows([(True, "x", [("/a", "b")])])
    found = assemble_documents(rows, ["repo_name"], has_content=False)
    assert found.to_pylist() == [{"repo_name": "x", "files": [{"path": "/a", "language": None}]}]
