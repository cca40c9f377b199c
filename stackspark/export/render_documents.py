r"""Put the rows of a document's files together to one row, with the text to train on.

A rendered document is ``<repo_name>{repo}<file_sep>{path}\n{code}<file_sep>...<|endoftext|>`` or,
without metadata, ``<file_sep>{code}<file_sep>...<|endoftext|>`` (The Stack v2, formatting of source
code). Paths stand without the leading slash, as git shows them, and on one line. Each part of a
split repository is a document of its own: it names the repository and ends like any other.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stackspark.export.sentinels import escape_sentinels


def whole_documents(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut rows that are sorted by `document_id` into batches of whole documents.

    Holds no more than one document and two batches.
    """
    held: list[pa.RecordBatch] = []
    for batch in batches:
        starts = _starts(batch.column("document_id"))
        ids = (held[-1].column("document_id")[-1], batch.column("document_id")[0]) if held else ()
        if len(starts) == 1 and len(set(ids)) == 1:
            held.append(batch)
            continue
        last = int(starts[-1])
        if held or last:
            yield _concatenated([*held, batch.slice(0, last)])
        held = [batch.slice(last)]
    if held:
        yield _concatenated(held)


def assemble_documents(
    files: pa.RecordBatch, columns: Sequence[str], *, has_content: bool
) -> pa.RecordBatch:
    """One row per document from one row per file.

    Args:
        files: whole documents, their files in order: `document_id`, `has_metadata`, `repo_name`,
            the struct `file` and, if `has_content`, `content`.
        columns: columns to take over from a document's first file.
        has_content: add each file's `content`, the rendered `text` and `num_escaped_sentinels`.

    Returns:
        `columns`, `files` (list of `file`, with its content), then what `has_content` adds.
    """
    starts = _starts(files.column("document_id"))
    offsets = pa.array([*starts, files.num_rows], pa.int32())
    structs = files.column("file")
    rows = files.select(list(columns)).take(pa.array(starts))
    if has_content:
        structs = _with_field(structs, "content", files.column("content"))
    rows = rows.append_column("files", pa.ListArray.from_arrays(offsets, structs))
    if not has_content:
        return rows
    text, num_escaped = render_documents(files, starts)
    return rows.append_column("text", text).append_column("num_escaped_sentinels", num_escaped)


def render_documents(
    files: pa.RecordBatch, starts: npt.NDArray[np.int64]
) -> tuple[pa.StringArray, pa.Int64Array]:
    """The text of each document, and how many sentinels were escaped in it.

    Args:
        files: rows as `assemble_documents` takes them, n of them.
        starts: index of each document's first file, shape (d,), ascending from 0.

    Returns:
        Texts, string, shape (d,), and counts, int64, shape (d,).
    """
    first = pa.array(starts)
    has_metadata = files.column("has_metadata")
    contents, in_contents = escape_sentinels(files.column("content"))
    paths, in_paths = escape_sentinels(_shown_paths(pc.struct_field(files.column("file"), "path")))
    repos, in_repos = escape_sentinels(pc.fill_null(files.column("repo_name").take(first), ""))
    heads = _join(pc.if_else(has_metadata, _join(paths, "\n"), ""), contents)
    offsets = pa.array([*starts, files.num_rows], pa.int32())
    bodies = pc.binary_join(pa.ListArray.from_arrays(offsets, _join("<file_sep>", heads)), "")
    names = pc.if_else(has_metadata.take(first), _join("<repo_name>", repos), "")
    shown = has_metadata.to_numpy(zero_copy_only=False)
    per_file = in_contents.to_numpy() + np.where(shown, in_paths.to_numpy(), 0)
    counts = np.add.reduceat(per_file.astype(np.int64), starts)
    counts += np.where(shown[starts], in_repos.to_numpy(), 0)
    return _join(names, bodies, "<|endoftext|>"), pa.array(counts, pa.int64())


def _shown_paths(paths: pa.StringArray) -> pa.StringArray:
    """Paths on one line each: a line feed in a name would end it early."""
    relative = pc.replace_substring_regex(paths, r"^/", "")
    return pc.replace_substring(relative, "\n", r"\x0a")


def _join(*parts: pa.Array | str) -> pa.StringArray:
    return pc.binary_join_element_wise(*parts, "")


def _starts(document_ids: pa.StringArray) -> npt.NDArray[np.int64]:
    """Index of the first row of each document."""
    runs = pc.run_end_encode(document_ids).run_ends.to_numpy().astype(np.int64)
    return np.concatenate([np.zeros(1, np.int64), runs[:-1]])


def _with_field(structs: pa.StructArray, name: str, values: pa.Array) -> pa.StructArray:
    fields = [*structs.type, pa.field(name, values.type)]
    return pa.StructArray.from_arrays([*structs.flatten(), values], fields=fields)


def _concatenated(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
