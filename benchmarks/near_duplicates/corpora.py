"""Corpora: one Parquet file each, of distinct texts of real packages.

Columns: `id` (registry, archive and path), `text`, `rank` (a hash of the id: of two similar texts
the one with the lower rank is to stay). Files with equal bytes are one row. Packages come in an
order that a hash of their names decides, all versions of one beside each other, and the synthetic
ones of build_corpus.py after all real ones. No package is more than a tenth of a corpus.
"""

import csv
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from build_corpus import (
    SEED,
    TABLE,
    Package,
    archive_of,
    fetch_all,
    grow,
    parse_bytes,
    text_members,
)

HELD_BACK = "held-back"
HELD_BACK_TABLE = Path(__file__).with_name("held_back_packages.csv")
SCHEMA = pa.schema({"id": pa.string(), "text": pa.string(), "rank": pa.int64()})
ROW_GROUP_BYTES = 4_000_000
MAX_PACKAGE_SHARE = 10
MAX_MISSING_FRACTION = 0.05


@dataclass(frozen=True, kw_only=True)
class Text:
    """One row of a corpus."""

    id: str
    text: str
    num_bytes: int


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus below a working folder.

    It is named by its size, such as `50MB`, or `held-back`, or by the path of a Parquet file with
    the same columns.
    """

    work: Path
    name: str

    @property
    def path(self) -> Path:
        """The Parquet file."""
        if self.name.endswith(".parquet"):
            return Path(self.name)
        return self.work / "corpora" / f"{self.name}.parquet"

    @property
    def num_rows(self) -> int:
        """Texts that it has."""
        return int(pq.read_metadata(self.path).num_rows)

    def read(self, *columns: str) -> pa.Table:
        """Some of its columns."""
        return pq.read_table(self.path, columns=list(columns))


def build(corpus: Corpus) -> None:
    """Fetch the packages that it takes and write it, unless it is there."""
    if corpus.path.exists():
        return
    corpus.path.parent.mkdir(parents=True, exist_ok=True)
    partial = corpus.path.with_suffix(".partial")
    write(chosen(corpus), partial)
    partial.rename(corpus.path)


def chosen(corpus: Corpus) -> Iterator[Text]:
    """Its texts, fetched before."""
    seen: set[bytes] = set()
    if corpus.name == HELD_BACK:
        archives = fetched(HELD_BACK_TABLE, corpus.work / "held-back-packages")
        yield from (text for package in by_package(archives, seen) for text in package)
        return
    folder = corpus.work / "packages"
    archives = fetched(TABLE, folder)
    wanted = parse_bytes(corpus.name)
    missing = wanted
    for package in fitting(by_package(archives, seen), wanted):
        yield from package
        missing -= sum(text.num_bytes for text in package)
    if missing > wanted * MAX_MISSING_FRACTION:
        grow([path for group in archives for path in group], folder / "synthetic", missing, SEED)
        yield from synthetic(folder / "synthetic", missing, seen)


def fetched(table: Path, folder: Path) -> list[list[Path]]:
    """Archives of the packages of a table, grouped by package, in the order of their hashes."""
    with table.open(encoding="utf-8", newline="") as rows:
        packages = [Package(**row) for row in csv.DictReader(rows)]
    missing = fetch_all(packages, folder / "archives")
    if missing:
        sys.exit(f"not fetched: {', '.join(missing)}; try again, or drop them from {table}")
    packages.sort(key=lambda each: (digest(f"{each.registry} {each.name}"), each.version))
    return [
        [path for package in versions for path in archive_of(package, folder / "archives")]
        for _, versions in groupby(packages, key=lambda each: (each.registry, each.name))
    ]


def by_package(archives: Iterable[list[Path]], seen: set[bytes]) -> Iterator[list[Text]]:
    """Texts of each package that no package before it has."""
    for paths in archives:
        yield [text for path in paths for text in new_texts(path, seen)]


def new_texts(archive: Path, seen: set[bytes]) -> Iterator[Text]:
    """Texts of an archive that were not seen before, under ids that were not."""
    for member in text_members(archive):
        data = member.text.encode()
        name = f"{archive.parent.name}/{archive.name}!{member.path}"
        name = name.encode(errors="replace").decode()
        keys = {digest(name), digest(data)}
        if not keys & seen:
            seen |= keys
            yield Text(id=name, text=member.text, num_bytes=len(data))


def digest(value: str | bytes) -> bytes:
    """Bytes that stand for a text."""
    return blake2b(value.encode() if isinstance(value, str) else value, digest_size=16).digest()


def fitting(packages: Iterable[list[Text]], wanted_bytes: int) -> Iterator[list[Text]]:
    """Packages until their text reaches the wanted size; those that are too big are skipped."""
    written = 0
    for package in packages:
        size = sum(text.num_bytes for text in package)
        if size <= min(wanted_bytes // MAX_PACKAGE_SHARE, wanted_bytes - written):
            written += size
            yield package


def synthetic(folder: Path, wanted_bytes: int, seen: set[bytes]) -> Iterator[Text]:
    """Texts of the synthetic packages of a folder, as many as it takes."""
    for path in sorted(folder.glob("*.tar.gz")):
        for text in new_texts(path, seen):
            if wanted_bytes <= 0:
                return
            wanted_bytes -= text.num_bytes
            yield text


def write(texts: Iterable[Text], path: Path) -> None:
    """Write rows in groups of a few megabytes, so that every tool can share them out."""
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        rows: list[Text] = []
        size = 0
        for text in texts:
            rows.append(text)
            size += text.num_bytes
            if size >= ROW_GROUP_BYTES:
                writer.write_table(as_table(rows))
                rows, size = [], 0
        if rows:
            writer.write_table(as_table(rows))


def as_table(rows: list[Text]) -> pa.Table:
    """Rows as a table."""
    columns = {
        "id": [row.id for row in rows],
        "text": [row.text for row in rows],
        "rank": [int.from_bytes(digest(row.id)[:8]) >> 1 for row in rows],
    }
    return pa.table(columns, schema=SCHEMA)
