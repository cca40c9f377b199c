"""Listing of roots whose entries are rows of a table, as an index gives them.

They take the second and third step of every listing, so that the same tree gives the same rows
whichever source it comes from.
"""

from collections.abc import Iterable, Iterator
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from stackspark.sources.base.paths import display_path
from stackspark.sources.fetching.swh_contents import content_locator
from stackspark.sources.listing.assemble import assemble_containers
from stackspark.sources.listing.containers import forge_name
from stackspark.sources.listing.hash_files import hash_files
from stackspark.sources.listing.list_sources import HASHED_SCHEMA, LISTED_SCHEMA, ORDER
from stackspark.sources.listing.rows import CONTAINER, LOCATOR, ROOT, WALKED

ENTRY = ("row", "path", "mode", "content_id", "length_bytes", "error_class", "message")
NAMED_DDL = "origin_url string, repo_name string"


def list_roots(roots: DataFrame, rows: DataFrame, source: str, store: str) -> DataFrame:
    """Assemble the listing of roots.

    Args:
        roots: one row per `root_id`: `num_submodules`.
        rows: files and problems: `root_id`, `path` (binary, no leading slash) and the rest of
            `ENTRY`; `blob_id` of a file.
        source: as the user wrote it; the names of the roots' containers begin with it.
        store: location of the contents; see `content_locator`.

    Returns:
        Rows of `LISTED_SCHEMA`. A root's row of kind origin has its `container`, `directory_id`,
        `num_files` and `num_submodules`; its URL is made up.
    Shuffles: one, by root, with a sort.
    """
    heads = roots.select(
        "root_id", "num_submodules", F.lit("head").alias("row"), F.lit(b"").alias("path")
    )
    both = rows.unionByName(heads, allowMissingColumns=True)
    place = content_locator(store, F.col("blob_id"), F.coalesce("length_bytes", F.lit(0)))
    flat = both.select("root_id", "num_submodules", *ENTRY, place.alias("place"))
    hashed = flat.select("root_id", "num_submodules", *ENTRY, "place.*").mapInArrow(
        partial(_hashed, source=source), HASHED_SCHEMA
    )
    ordered = hashed.repartition("container").sortWithinPartitions(*ORDER)
    return ordered.mapInArrow(assemble_containers, LISTED_SCHEMA)


def listed_rows(kind: str, rows: DataFrame) -> DataFrame:
    """Rows of one kind with columns of its struct -> rows of `LISTED_SCHEMA`; the rest is null."""
    columns = [F.lit(kind).alias("kind")]
    for field in list(LISTED_SCHEMA)[1:]:
        nothing = F.lit(None).cast(field.dataType)
        value = _struct_of(rows, field.dataType) if field.name == kind else nothing
        columns.append(value.alias(field.name))
    return rows.select(*columns)


def _struct_of(rows: DataFrame, struct: T.DataType) -> Column:
    """Columns of a table as a struct whose fields may all be null: Spark casts to no other."""
    fields = []
    for field in struct.fields:  # type: ignore[attr-defined]
        value = F.col(field.name) if field.name in rows.columns else F.lit(None)
        fields.append(value.cast(field.dataType).alias(field.name))
    return F.struct(*fields)


def name_origins(origin_urls: DataFrame) -> DataFrame:
    """Name origins as documents and cards show them: ``owner/name``, or the whole URL."""
    return origin_urls.select("origin_url").mapInArrow(_name, NAMED_DDL)


def show_branches(tips: DataFrame) -> DataFrame:
    r"""Turn the bytes of `branch_name` into text; bytes that are not UTF-8 become ``\xhh``."""
    text = tips.withColumn("branch_name", F.lit(None).cast("string")).schema
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


def _hashed(batches: Iterable[pa.RecordBatch], source: str) -> Iterator[pa.RecordBatch]:
    return hash_files(_walked(batch, source) for batch in batches if batch.num_rows)


def _walked(batch: pa.RecordBatch, source: str) -> pa.RecordBatch:
    is_head, is_file = (pc.equal(batch.column("row"), row) for row in ("head", "file"))
    columns = {name: batch.column(name) for name in ENTRY}
    roots = batch.column("root_id")
    columns["container"] = pc.binary_join_element_wise(pa.scalar(source), roots, "#")
    columns["path"], columns["message"] = _problems(batch)
    columns["locator"] = _struct(LOCATOR, {n: batch.column(n) for n in LOCATOR.names}, is_file)
    label = pc.binary_join_element_wise(pa.scalar("swh:1:dir"), roots, ":")
    sources = pa.repeat(pa.scalar(source), len(label))
    labels = dict.fromkeys(("label", "origin_url", "repo_name"), label)
    columns["about"] = _struct(CONTAINER, labels | {"source": sources}, is_head)
    known = {"directory_id": roots, "num_submodules": batch.column("num_submodules")}
    columns["root"] = _struct(ROOT, known, is_head)
    return pa.RecordBatch.from_arrays([columns[field.name] for field in WALKED], schema=WALKED)


def _problems(batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
    """Paths and messages; a problem's message names its path, which is never that of a head."""
    paths, messages = batch.column("path").to_pylist(), batch.column("message").to_pylist()
    for place, row in enumerate(batch.column("row").to_pylist()):
        if row == "problem":
            messages[place] = f"{display_path(paths[place])}: {messages[place]}"
            paths[place] = paths[place] or b"/"
    return pa.array(paths, pa.binary()), pa.array(messages, pa.string())


def _struct(kind: pa.StructType, given: dict[str, pa.Array], is_set: pa.Array) -> pa.Array:
    arrays = [given.get(field.name, pa.nulls(len(is_set), field.type)) for field in kind]
    return pa.StructArray.from_arrays(arrays, fields=list(kind), mask=pc.invert(is_set))
