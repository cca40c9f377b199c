"""Near-duplicates of a few Parquet files, found by the threads of this process, without Spark.

A session of Spark takes six seconds to begin, and its first jobs as long again: more than the
search needs for a gigabyte. The answer is the one that Spark's tasks give.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha1
from typing import IO, NamedTuple, TypeVar
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from stackspark.duplicates.near.columns import IdProblems, TextColumns, check_columns, check_ids
from stackspark.duplicates.near.in_memory import MEASURED, InMemoryEngine, candidates_of
from stackspark.duplicates.near.kernels.minhash import MinHashParams
from stackspark.duplicates.near.kernels.shingle_sets import jaccard, shingle_sets
from stackspark.duplicates.near.kernels.text_measures import MEASURES, text_measures
from stackspark.duplicates.near.params import NORMALIZED_TEXT, NearDuplicatesParams
from stackspark.duplicates.near.rounds import RoundStats, find_twins
from stackspark.duplicates.near.texts import is_pattern
from stackspark.runtime.buffers import Flags, Longs
from stackspark.runtime.storage.filesystems import located
from stackspark.runtime.storage.parquet_rows import MAX_BATCH_ROWS, ParquetRows, open_parquet
from stackspark.runtime.storage.parquet_sets import (
    check_text,
    joined_schema,
    parquet_files,
    read_footers,
)

PIECE_BYTES = 32 << 20
"""Bytes, decoded, that are read at a time, unless a row group, or row, has more."""

SAFE = "/:"
"""Characters of a path that a URI does not escape, so that ``s3a://`` stays readable."""

Made = TypeVar("Made")


class Piece(NamedTuple):
    """Rows of a file from `start` to `stop`; `offset` texts lie in the files before it."""

    uri: str
    start: int
    stop: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class TextFiles:
    """Parquet files of one schema, their pieces in order, and the columns beside the texts.

    `keys` has one row per text, in the order of the files: `id`, `rank` and `scope`, which are null
    where they were not named.
    """

    uris: list[str]
    schema: pa.Schema
    pieces: list[Piece]
    keys: pa.Table
    columns: TextColumns

    def __len__(self) -> int:
        return int(self.keys.num_rows)

    def map(
        self, make: Callable[[pa.Array, Longs], Made], wanted: Flags | None = None
    ) -> Iterator[Made]:
        """Results of `make` for each batch of texts and their numbers, read by threads in order."""

        def made(piece: Piece) -> list[Made]:
            rows = np.arange(piece.start, piece.stop)
            if wanted is not None:
                rows = rows[wanted[rows + piece.offset]]
            file, results = ParquetRows(piece.uri, (self.columns.text,)), []
            for span in file.spans(rows):
                numbers = span.first_row + span.local + piece.offset
                results.append(make(span.taken(self.columns.text), numbers))
            return results

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for results in pool.map(made, self.pieces):
                yield from results


@dataclass(frozen=True, kw_only=True)
class FoundTexts:
    """Texts to remove: `rows` as `RemovedTexts.rows` has them, and which texts stay."""

    rows: pa.Table
    stays: Flags
    rounds: tuple[RoundStats, ...]


def open_text_files(path: str, columns: TextColumns, max_texts: int) -> TextFiles | None:
    """Open the Parquet files of a path if this process can do with them.

    Args:
        path: a file or folder, local or ``s3a://``.
        columns: names of the columns.
        max_texts: the most texts that are not too many.

    Returns:
        The files; None where they need Spark: too many texts, several schemas, folders that name
        values of columns, patterns, and columns of types that Arrow and Spark may order
        differently.

    Raises:
        InputError: there is no Parquet, or files whose columns cannot be joined.
        UsageError: a column that is not there, or holds no texts.
    """
    filesystem, place = located(path)
    if is_pattern(path):
        return None
    files = parquet_files(path)
    footers = read_footers(path, files)
    schemas = {file: _plain_schema(footer) for file, footer in footers.items()}
    schema = joined_schema(schemas)
    check_columns(columns, schema.names)
    check_text(schema, columns.text)
    names = [file[len(place) :] for file in files]
    is_few = sum(footer.num_rows for footer in footers.values()) <= max_texts
    is_simple = len({*schemas.values()}) == 1 and not any("=" in name for name in names)
    if not (is_few and is_simple and _are_plain(schema, columns)):
        return None
    dataset = ds.dataset(files, schema, format="parquet", filesystem=filesystem)
    uris = [quote(path.rstrip("/") + name, safe=SAFE) for name in names]
    return TextFiles(
        uris=uris,
        schema=schema,
        pieces=list(_pieces(uris, list(dataset.get_fragments()))),
        keys=_keys(dataset, columns),
        columns=columns,
    )


def find_in_files(files: TextFiles, params: NearDuplicatesParams) -> FoundTexts:
    """Find the texts to remove as near-duplicates of better ones.

    Raises:
        InputError: an id is null or not unique, or a text is null.
        ContractError: `params.max_rounds` were not enough.
    """
    parts = list(files.map(lambda texts, _: text_measures(texts, params.minhash)))
    measured = pa.Table.from_batches(parts, MEASURES)
    _check(files, measured)
    order = _order(files.keys)
    named = pc.coalesce(files.keys["scope"].cast(pa.string()), "")
    ranked = measured.append_column("scope", named).select(MEASURED.names).take(pa.array(order))

    with tempfile.TemporaryFile() as spool:
        sets = _ShingleSets(files, params.minhash, spool)

        def compare(asked: pa.Table) -> pa.Table:
            pairs = asked.select(["member", "head"])
            similarities = sets.similarities(*(order[ranks.to_numpy()] for ranks in pairs.columns))
            return pairs.append_column("similarity", pa.array(similarities))

        engine = InMemoryEngine(candidates_of(ranked, params.minhash), params, compare)
        found = find_twins(engine, params)
    found.check_settled()
    stays = np.ones(len(files), np.bool_)
    stays[order[found.twins["member"].to_numpy()]] = False
    return FoundTexts(rows=_named(files, found.twins, order), stays=stays, rounds=found.rounds)


def kept_rows(files: TextFiles, stays: Flags) -> Iterator[pa.RecordBatch]:
    """All columns of the texts that stay, in the order of the files."""
    start = 0
    for uri in files.uris:
        file = open_parquet(uri)
        groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
        row_bytes = max(
            (group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0
        )
        batch_rows = min(max(PIECE_BYTES // (row_bytes + 1), 1), MAX_BATCH_ROWS)
        for batch in file.iter_batches(batch_rows):
            yield batch.filter(pa.array(stays[start : start + batch.num_rows]))
            start += batch.num_rows


def _named(files: TextFiles, twins: pa.Table, order: Longs) -> pa.Table:
    """The removed texts by the names of their user."""
    members, heads = (order[twins[side].to_numpy()] for side in ("member", "twin"))
    ids = files.keys["id"]
    sizes = np.bincount(heads, minlength=len(files)) + 1
    is_same = pc.equal(twins["established_by"], NORMALIZED_TEXT)
    return pa.table(
        {
            files.columns.id: ids.take(pa.array(members)),
            "kept_id": ids.take(pa.array(heads)),
            "similarity": twins["similarity"],
            "rule": pc.if_else(is_same, "normalized_duplicate", "near_duplicate"),
            "established_by": twins["established_by"],
            "family_size": sizes[heads],
        }
    )


def _plain_schema(footer: pq.FileMetaData) -> pa.Schema:
    return footer.schema.to_arrow_schema().remove_metadata()


def _are_plain(schema: pa.Schema, columns: TextColumns) -> bool:
    """Whether all columns have types that mean the same here as in Spark."""
    types = pa.types
    key = (_is_string, types.is_integer)
    allowed = [
        (columns.id, key),
        (columns.text, (_is_string, types.is_binary, types.is_large_binary)),
        (columns.rank, (*key, types.is_floating, types.is_date, types.is_timestamp)),
        (columns.scope, key),
    ]
    return all(
        schema.names.count(name) == 1 and any(test(schema.field(name).type) for test in tests)
        for name, tests in allowed
        if name
    )


def _is_string(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.large_string())


def _pieces(uris: list[str], fragments: list[ds.ParquetFileFragment]) -> Iterator[Piece]:
    offset = 0
    for uri, fragment in zip(uris, fragments, strict=True):
        start = row = num_bytes = 0
        for group in fragment.row_groups:
            row, num_bytes = row + group.num_rows, num_bytes + group.total_byte_size
            if num_bytes >= PIECE_BYTES or row == fragment.metadata.num_rows:
                yield Piece(uri, start, row, offset)
                start, num_bytes = row, 0
        offset += row


def _keys(dataset: ds.Dataset, columns: TextColumns) -> pa.Table:
    names = {"id": columns.id, "rank": columns.rank, "scope": columns.scope}
    keys = dataset.to_table(sorted({*filter(None, names.values())}))
    missing = pa.nulls(keys.num_rows)
    return pa.table({role: keys[name] if name else missing for role, name in names.items()})


def _check(files: TextFiles, measured: pa.Table) -> None:
    ids = files.keys["id"]
    counts = ids.value_counts()
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1)).drop_null()
    examples = [_as_json({"id": value}) for value in repeated.to_pylist()]
    problems = IdProblems(
        num_without_id=ids.null_count,
        num_repeated=len(examples),
        num_null=pc.sum(measured["is_null"]).as_py() or 0,
        example=min(examples, default=None),
    )
    check_ids(files.columns, problems)


def _as_json(value: dict[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _order(keys: pa.Table) -> Longs:
    """Numbers of the texts from the best to the worst: by rank, then by the hash of the id."""
    digests = [
        sha1(str(value).encode(), usedforsecurity=False).hexdigest()
        for value in keys["id"].to_pylist()
    ]
    columns = {"id_hash": digests}
    if keys["rank"].null_count < len(keys):
        columns = {"rank": keys["rank"], **columns}
    order = pc.sort_indices(pa.table(columns), [(name, "ascending") for name in columns])
    numbers: Longs = order.to_numpy().astype(np.int64)
    return numbers


class _ShingleSets:
    """Shingles of the texts that were asked for, in a file: a text is read for them once."""

    def __init__(self, files: TextFiles, minhash: MinHashParams, spool: IO[bytes]) -> None:
        self._files, self._minhash, self._spool = files, minhash, spool
        self._starts = np.full(len(files), -1)
        self._ends = np.zeros(len(files), np.int64)

    def similarities(self, left: Longs, right: Longs) -> list[float]:
        """Exact similarities of pairs of texts, which are given by their numbers."""
        self._read(np.concatenate([left, right]))
        if not self._spool.tell():
            return [0.0] * len(left)
        stored = np.memmap(self._spool, np.uint64, "r")
        starts, ends = self._starts // stored.itemsize, self._ends // stored.itemsize
        pairs = zip(left, right, strict=True)
        return [jaccard(*(stored[starts[n] : ends[n]] for n in pair)) for pair in pairs]

    def _read(self, numbers: Longs) -> None:
        wanted = np.zeros(len(self._files), np.bool_)
        wanted[numbers] = self._starts[numbers] < 0

        def listed(texts: pa.Array, numbers: Longs) -> tuple[Longs, pa.Array]:
            return numbers, shingle_sets(texts, self._minhash)

        for of_texts, sets in self._files.map(listed, wanted):
            for number, shingles in zip(of_texts, sets, strict=True):
                self._starts[number] = self._spool.tell()
                self._spool.write(shingles.as_buffer())
                self._ends[number] = self._spool.tell()
        self._spool.flush()
