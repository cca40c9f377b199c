"""Exact similarities of the pairs that a search asks for: looked up, or computed from the texts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from stackspark.duplicates.near.tables.compare_shingles import (
    COMPARED,
    CompareShinglesParams,
    compare_shingles,
)
from stackspark.duplicates.near.tables.name_pairs import PAIR, name_pairs
from stackspark.lake.scratch import Scratch

ShingleSource = Callable[[DataFrame], DataFrame]
"""From one row per `rank` and `blob_id` to (`rank`, `shingles`), ascending uint64 as binary."""


@dataclass(kw_only=True)
class ExactSimilarities:
    """What a search asked for so far.

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

    def write(self, asked: DataFrame, num_tasks: int) -> list[str]:
        """Write the similarities of pairs (`member`, `head`, ranks) that one pass asks for.

        Returns:
            Names of the scratch tables that hold them, of the schema `COMPARED`.
        """
        self.num_passes += 1
        if self.known is None:
            return [self._compare(asked, num_tasks)]
        recalled = f"recalled_{self.num_passes}"
        named = name_pairs(asked, self.ranked).join(self.known, on=list(PAIR), how="inner")
        known = self.scratch.write(named.select(*COMPARED.names), recalled)
        unknown = asked.join(known, on=["member", "head"], how="left_anti")
        unknown = self.scratch.write(unknown, f"unknown_{self.num_passes}")
        if unknown.limit(1).count():
            return [recalled, self._compare(unknown, num_tasks)]
        return [recalled]

    def read(self, names: list[str]) -> DataFrame:
        """Similarities that were written: (`member`, `head`, `similarity`)."""
        reader = self.ranked.sparkSession.read.schema(from_arrow_schema(COMPARED))
        return reader.parquet(*map(self.scratch.path, names))

    @property
    def new(self) -> DataFrame:
        """Pairs whose texts were compared: (`blob_id`, `other_blob_id`, `similarity`)."""
        if self._compared:
            compared = self.read(self._compared)
        else:
            spark = self.ranked.sparkSession
            compared = spark.createDataFrame([], from_arrow_schema(COMPARED))
        return name_pairs(compared, self.ranked).select(*PAIR, "similarity")

    def _compare(self, asked: DataFrame, num_tasks: int) -> str:
        self._list_shingles(asked)
        sets = reduce(DataFrame.union, self._shingles)
        compared = compare_shingles(asked, sets, CompareShinglesParams(num_tasks=num_tasks))
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
