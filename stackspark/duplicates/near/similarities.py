"""Exact similarities of the pairs that a search asks for: looked up, or computed from the texts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.duplicates.near.tables.compare_shingles import COMPARED, compare_shingles
from stackspark.duplicates.near.tables.ranks import PAIR, name_pairs
from stackspark.duplicates.near.tasks import num_tasks
from stackspark.lake.scratch import Scratch

BANDS_PER_SET = 100
"""The shingles of a text weigh as much as so many bands."""

ShingleSource = Callable[[DataFrame], DataFrame]
"""From one row per `rank` and `blob_id` to (`rank`, `shingles`), ascending uint64 as binary."""


@dataclass(kw_only=True)
class ExactSimilarities:
    """The exact similarities that a search asked for so far.

    `known` has (`blob_id`, `other_blob_id`, `similarity`) of pairs whose texts were compared by an
    earlier search. A similarity is a matter of two texts alone, so it is right for good; what it
    saves is reading them again.
    """

    ranked: DataFrame
    scratch: Scratch
    shingles_of: ShingleSource | None
    known: DataFrame | None = None
    num_passes: int = 0
    _shingles: list[DataFrame] = field(default_factory=list)
    _compared: list[str] = field(default_factory=list)

    def compare(self, asked: pa.Table) -> pa.Table:
        """Similarities of the pairs that an engine in this process asks for; tasks read the texts.

        Args:
            asked: (`member`, `head`, ...), ranks.

        Returns:
            Rows of the schema `COMPARED`, in any order.
        """
        pairs = self.hand_over(asked.select(["member", "head"]), f"asked_{self.num_passes + 1}")
        written = self.write(pairs, asked.num_rows)
        return pa.concat_tables(self.scratch.table(each, COMPARED) for each in written)

    def hand_over(self, rows: pa.Table, name: str) -> DataFrame:
        """Rows of this process as a scratch table of Spark's."""
        with self.scratch.writer(name, rows.schema) as writer:
            writer.write_table(rows)
        return self._read([name], rows.schema)

    def write(self, asked: DataFrame, num_asked: int) -> list[str]:
        """Write the similarities of pairs (`member`, `head`, ranks) that one pass asks for.

        Args:
            asked: the pairs.
            num_asked: how many there are.

        Returns:
            Names of the scratch tables that hold them, of the schema `COMPARED`.
        """
        self.num_passes += 1
        if self.known is None:
            return [self._compare(asked, num_asked)]
        recalled = f"recalled_{self.num_passes}"
        named = name_pairs(asked, self.ranked).join(self.known, on=list(PAIR), how="inner")
        known = self.scratch.write(named.select(*COMPARED.names), recalled)
        unknown = asked.join(known, on=["member", "head"], how="left_anti")
        unknown = self.scratch.write(unknown, f"unknown_{self.num_passes}")
        if unknown.limit(1).count():
            return [recalled, self._compare(unknown, num_asked)]
        return [recalled]

    def read(self, names: list[str]) -> DataFrame:
        """Similarities that were written: (`member`, `head`, `similarity`)."""
        return self._read(names, COMPARED)

    @property
    def new(self) -> DataFrame:
        """Pairs whose texts were compared: (`blob_id`, `other_blob_id`, `similarity`)."""
        if self._compared:
            compared = self.read(self._compared)
        else:
            spark = self.ranked.sparkSession
            compared = spark.createDataFrame([], from_arrow_schema(COMPARED))
        return name_pairs(compared, self.ranked).select(*PAIR, "similarity")

    def _read(self, names: list[str], schema: pa.Schema) -> DataFrame:
        reader = self.ranked.sparkSession.read.schema(from_arrow_schema(schema))
        return reader.parquet(*map(self.scratch.path, names))

    def _compare(self, asked: DataFrame, num_asked: int) -> str:
        self._list_shingles(asked)
        sets = reduce(DataFrame.union, self._shingles)
        compared = compare_shingles(asked, sets, num_tasks(asked, num_asked * BANDS_PER_SET))
        self._compared.append(f"compared_{self.num_passes}")
        self.scratch.write(compared, self._compared[-1])
        return self._compared[-1]

    def _list_shingles(self, pairs: DataFrame) -> None:
        """Write the shingles of the blobs of pairs, those aside that earlier passes wrote."""
        ranks = pairs.select(F.explode(F.array("member", "head")).alias("rank")).distinct()
        for known in self._shingles:
            ranks = ranks.join(known.select("rank"), "rank", how="left_anti")
        missing = self.ranked.select("rank", "blob_id").join(ranks, "rank", how="left_semi")
        wanted = self.scratch.write(missing, f"wanted_{self.num_passes}")
        if self.shingles_of and wanted.limit(1).count():
            listed = self.shingles_of(wanted)
            self._shingles.append(self.scratch.write(listed, f"shingles_{self.num_passes}"))
