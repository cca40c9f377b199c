"""Roots whose entries are known from a table: rows of Spark -> rows of `assembling.LISTED`.

They take the second and third step of every listing, so that the same tree gives the same rows
whichever source it comes from.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from stackspark.sources.base.paths import display_path
from stackspark.sources.fetching.swh_contents import content_locator
from stackspark.sources.listing.assemble import assemble_containers
from stackspark.sources.listing.containers import forge_name
from stackspark.sources.listing.hash_files import describe_found
from stackspark.sources.listing.list_sources import HASHED_SCHEMA, LISTED_SCHEMA, ORDER
from stackspark.sources.listing.rows import CONTAINER, FOUND, LOCATOR, ROOT

KEPT = ("row", "path", "mode", "content_id", "length_bytes", "error_class", "message")
NAMED_DDL = "origin_url string, repo_name string"


def list_roots(roots: DataFrame, rows: DataFrame, source: str, store: str) -> DataFrame:
    """Assemble the listing of roots.

    Args:
        roots: one row per `root_id`: `num_submodules`.
        rows: files and problems: `root_id`, `path` (binary, no leading slash) and the rest of
            `KEPT`; `blob_id` of a file.
        source: as it was written; a root's container is named by it.
        store: where the contents are; see `content_locator`.

    Returns:
        Rows of `LISTED_SCHEMA`. The one of kind origin says of a root its `container`,
        `directory_id`, `num_files` and `num_submodules`; its URL is made up.
    Shuffles: one, by root, with a sort.
    """
    heads = roots.select(
        "root_id", "num_submodules", F.lit("head").alias("row"), F.lit(b"").alias("path")
    )
    both = rows.unionByName(heads, allowMissingColumns=True)
    place = content_locator(store, F.col("blob_id"), F.coalesce("length_bytes", F.lit(0)))
    flat = both.select("root_id", "num_submodules", *KEPT, place.alias("place"))
    described = flat.select("root_id", "num_submodules", *KEPT, "place.*").mapInArrow(
        partial(_describe, source=source), HASHED_SCHEMA
    )
    ordered = described.repartition("container").sortWithinPartitions(*ORDER)
    return ordered.mapInArrow(assemble_containers, LISTED_SCHEMA)


def listed_rows(kind: str, rows: DataFrame) -> DataFrame:
    """Rows of one kind with columns of its struct -> rows of `LISTED_SCHEMA`; the rest is null."""
    columns = [F.lit(kind).alias("kind")]
    for field in list(LISTED_SCHEMA)[1:]:
        value = F.lit(None).cast(field.dataType)
        if field.name == kind:
            value = _struct_of(rows, field.dataType)
        columns.append(value.alias(field.name))
    return rows.select(*columns)


def _struct_of(rows: DataFrame, struct: T.DataType) -> Column:
    """Columns of a table as a struct whose fields may all be null: Spark casts to no other."""
    fields = struct.fields  # type: ignore[attr-defined]
    values = [F.col(f.name) if f.name in rows.columns else F.lit(None) for f in fields]
    return F.struct(
        *(
            value.cast(field.dataType).alias(field.name)
            for value, field in zip(values, fields, strict=True)
        )
    )


def name_origins(origin_urls: DataFrame) -> DataFrame:
    """Name origins as documents and cards show them: ``owner/name``, or the whole URL."""
    return origin_urls.select("origin_url").mapInArrow(_name, NAMED_DDL)


def show_branches(tips: DataFrame) -> DataFrame:
    """Write names of branches, `branch_name`, as text; bytes that are not UTF-8 as for a path."""
    text = T.StructType(
        [
            T.StructField(f.name, T.StringType()) if f.name == "branch_name" else f
            for f in tips.schema
        ]
    )
    return tips.mapInArrow(_show, text)


def _show(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        place = batch.schema.get_field_index("branch_name")
        names = [
            name and name.decode("utf-8", "backslashreplace")
            for name in batch.column(place).to_pylist()
        ]
        yield batch.set_column(place, "branch_name", pa.array(names, pa.string()))


def _name(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        urls = batch.column("origin_url")
        names = [forge_name(url) or url for url in urls.to_pylist()]
        yield pa.RecordBatch.from_arrays([urls, pa.array(names)], names=["origin_url", "repo_name"])


def _describe(batches: Iterable[pa.RecordBatch], source: str) -> Iterator[pa.RecordBatch]:
    return describe_found(_found(batch, source) for batch in batches if batch.num_rows)


def _found(batch: pa.RecordBatch, source: str) -> pa.RecordBatch:
    is_head, is_file = (pc.equal(batch.column("row"), row) for row in ("head", "file"))
    columns = {name: batch.column(name) for name in KEPT}
    roots = batch.column("root_id")
    columns["container"] = pc.binary_join_element_wise(pa.scalar(source), roots, "#")
    columns["path"], columns["message"] = _problems(batch)
    columns["locator"] = _struct(LOCATOR, {n: batch.column(n) for n in LOCATOR.names}, is_file)
    label = pc.binary_join_element_wise(pa.scalar("swh:1:dir"), roots, ":")
    labels = dict.fromkeys(("label", "origin_url", "repo_name"), label)
    columns["about"] = _struct(CONTAINER, labels | {"source": _all(source, len(label))}, is_head)
    known = {"directory_id": roots, "num_submodules": batch.column("num_submodules")}
    columns["root"] = _struct(ROOT, known, is_head)
    return pa.RecordBatch.from_arrays([columns[field.name] for field in FOUND], schema=FOUND)


def _problems(batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
    """Paths and messages; a problem says where it is, and has a path that is not that of a head."""
    paths, messages = batch.column("path").to_pylist(), batch.column("message").to_pylist()
    for place, row in enumerate(batch.column("row").to_pylist()):
        if row == "problem":
            messages[place] = f"{display_path(paths[place])}: {messages[place]}"
            paths[place] = paths[place] or b"/"
    return pa.array(paths, pa.binary()), pa.array(messages, pa.string())


def _struct(kind: pa.StructType, given: dict[str, pa.Array], is_set: pa.Array) -> pa.Array:
    arrays = [given.get(field.name, pa.nulls(len(is_set), field.type)) for field in kind]
    return pa.StructArray.from_arrays(arrays, fields=list(kind), mask=pc.invert(is_set))


def _all(text: str, count: int) -> Any:
    return pa.repeat(pa.scalar(text), count)
