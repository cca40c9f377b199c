"""Parts of an export: names of its shards, `manifest.json`, rows of the table `shards`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Row, SparkSession

from stackspark.contracts.tables import table_contract
from stackspark.runtime.storage.filesystems import joined, store_text

MANIFEST_NAME = "manifest.json"
CARD_NAME = "README.md"
UNKNOWN_LANGUAGE = "unknown"
"""Name of the language of files of which none is known, in file names and in counts."""


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One file of an export.

    Attributes:
        path: name within the export's folder.
        num_rows: rows in the file.
        size_bytes: length of the file.
        sha256: of the file, hexadecimal.
        language: of all its rows; None where several, or where it is unknown.
        language_counts: files (not rows) per language.
    """

    path: str
    num_rows: int
    size_bytes: int
    sha256: str
    language: str | None
    language_counts: Mapping[str, int]


def language_slug(language: str | None) -> str:
    """Name of a language as part of a file name: no two languages share one.

    ASCII letters and digits stay, every other byte becomes ``_`` and two hex digits: ``C_2b_2b``.
    """
    if language is None:
        return UNKNOWN_LANGUAGE
    slug = "".join(
        chr(byte) if chr(byte).isascii() and chr(byte).isalnum() else f"_{byte:02x}"
        for byte in language.encode()
    )
    return f"_{ord(slug[0]):02x}{slug[1:]}" if slug == UNKNOWN_LANGUAGE else slug


@dataclass(frozen=True, kw_only=True)
class ShardGroup:
    """Shards that are named, and counted, together.

    Attributes:
        language: their key in the export's layout, "" for none.
        slug: `language_slug` of the language of all their rows; None where they hold several.
        first: number of the first of them within the export.
        num_buckets: how many there are.
    """

    language: str
    slug: str | None
    first: int
    num_buckets: int

    def shard_name(self, shard: int) -> str:
        """File name of a shard; the files of a language are ``part-<slug>--*.parquet``."""
        language = "" if self.slug is None else f"{self.slug}--"
        return f"part-{language}{shard - self.first:05d}-of-{self.num_buckets:05d}.parquet"


def shard_rows(
    spark: SparkSession, dataset: str, export_id: str, shards: Sequence[Shard]
) -> DataFrame:
    """Rows of the table `shards`, in contract order.

    Args:
        spark: session.
        dataset: name of the export: files, documents or ids.
        export_id: name of the export's folder below the dataset's.
        shards: the files.
    """
    rows = [
        (
            dataset,
            f"shards/{dataset}/{export_id}/{shard.path}",
            shard.num_rows,
            shard.size_bytes,
            shard.sha256,
            shard.language,
            dict(shard.language_counts),
        )
        for shard in shards
    ]
    return spark.createDataFrame(rows, table_contract("shards").ddl)


def shard_of(row: Row) -> Shard:
    """The file that a row of the table `shards` is about."""
    return Shard(
        path=row["path"].rpartition("/")[2],
        num_rows=row["num_rows"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        language=row["language"],
        language_counts=row["language_counts"],
    )


def write_manifest(
    folder: str, dataset: str, shards: Sequence[Shard], provenance: Mapping[str, Any]
) -> str:
    """Write `manifest.json` of an export.

    Args:
        folder: of the export.
        dataset: name of the export.
        shards: its files.
        provenance: what it was made of, such as table versions, recipe and code version; JSON.

    Returns:
        The file's path. Equal arguments give equal bytes.
    """
    document = {
        **provenance,
        "dataset": dataset,
        "num_rows": sum(shard.num_rows for shard in shards),
        "size_bytes": sum(shard.size_bytes for shard in shards),
        "parquet_writer": f"pyarrow {pa.__version__}",
        "shards": [asdict(shard) for shard in sorted(shards, key=lambda shard: shard.path)],
    }
    text = json.dumps(document, indent=2, sort_keys=True, allow_nan=False)
    return store_text(joined(folder, MANIFEST_NAME), f"{text}\n")
